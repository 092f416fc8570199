import { reportFill } from "./fill.ts";
import { createFlexible } from "./limiters.ts";

await reportFill(() => {
  const limiter = createFlexible();
  return (key) => limiter.consume(key);
});
