export { type Address, addressPrefix, type PrefixOptions, parseAddress } from "./address.ts";
export { type ClientAddressOptions, createClientAddress } from "./client-address.ts";
export type { HttpErrorCode } from "./errors.ts";
export {
  type NodeResponse,
  type Problem,
  type ProblemDetails,
  problem,
  problemResponse,
  sendProblem,
} from "./problem.ts";
export {
  type ExpressRequest,
  type FetchRequest,
  fromExpress,
  fromFetch,
  fromHono,
  fromNode,
  type HonoContext,
  type NodeRequest,
  type RequestView,
} from "./request-view.ts";
export type { TrustedProxies } from "./trusted-proxies.ts";
