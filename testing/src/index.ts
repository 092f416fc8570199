export { type ChildOptions, type ChildRun, runAndKill, runToEnd } from "./crash.ts";
export { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
export {
  type LoopbackS3,
  type LoopbackS3Options,
  type S3Deed,
  type S3Request,
  startLoopbackS3,
} from "./loopback-s3.ts";
export { type Site, serve } from "./serve.ts";
export { serverUrl } from "./server-url.ts";
export { freePort } from "./servers/loopback.ts";
export { startPgBouncer } from "./servers/pgbouncer.ts";
export { type PostgresOptions, startPostgres } from "./servers/postgres.ts";
export { type RedisOptions, startRedis, startRedisReplica } from "./servers/redis.ts";
export { type RedisCluster, startRedisCluster } from "./servers/redis-cluster.ts";
export type { Server, ServerName } from "./servers/server.ts";
