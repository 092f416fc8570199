import { reportLongest } from "./fill.ts";
import { createHoldfast } from "./limiters.ts";

reportLongest(() => {
  const limiter = createHoldfast();
  return (key) => limiter.consumeSync(key);
});
