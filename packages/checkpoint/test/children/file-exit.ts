// Saves as the very last thing that it does.

import { fileStore } from "../../src/stores/file.ts";

const [folder = ""] = process.argv.slice(2);
const store = fileStore({ folder });
await store.save("a", "the first word", { savedAt: 1 });
process.on("exit", () => store.saveSync("a", "the last word", { savedAt: 2 }));
process.exit();
