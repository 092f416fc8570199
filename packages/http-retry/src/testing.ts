// A real server that misbehaves on demand, for tests of whatever speaks HTTP.

export { type ScriptedServer, type ScriptedServerOptions, startScriptedServer } from "./testing/scripted-server.ts";
export type { Answer, Cut, Drip, RawAnswer, ReceivedRequest, Script, Step } from "./testing/step.ts";
