import { reportFill } from "./fill.ts";
import { createHoldfast } from "./limiters.ts";

await reportFill(() => {
  const limiter = createHoldfast();
  return (key) => limiter.consumeSync(key);
});
