// Options that are whole numbers.

import { CheckpointError } from "../errors.ts";

/** @throws CheckpointError `INVALID_OPTION` */
export function whole(option: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new CheckpointError("INVALID_OPTION", `${option} is ${value}; give a whole number from 1 to ${most}`);
}
