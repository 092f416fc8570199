import { defineConfig, type Options } from "tsup";
import base from "../../tsup.base.ts";

// One file an entry: what a service imports at its start comes from one file, at the price of a copy in the command line.
const config: ReturnType<typeof defineConfig> = defineConfig({ ...(base as Options), splitting: false });
export default config;
