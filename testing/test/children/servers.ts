// Starts servers and says where; then it is killed, or ends without having stopped them.

import { writeSync } from "node:fs";
import { startPostgres, startRedis } from "@holdfast/testing";
import { step } from "@holdfast/testing/step";
import { Redis } from "ioredis";
import pg from "pg";

const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
const redisClient = new Redis(redis.url);
const postgresClient = new pg.Client(postgres.url);
await postgresClient.connect();
const [, redisFolder] = (await redisClient.config("GET", "dir")) as string[];
const { rows } = await postgresClient.query("SHOW data_directory");
redisClient.disconnect();
await postgresClient.end();

const folders = [redisFolder, rows[0].data_directory];
writeSync(1, JSON.stringify({ ports: [redis.port, postgres.port], folders }));
step("started");
