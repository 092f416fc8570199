// A million ids of 19 digits, in pages as JSON.parse gives them.

export const IDS = 1_000_000;
const PAGE = 1000;

export function* pagesOfIds(): Generator<readonly string[]> {
  for (let from = 0; from < IDS; from += PAGE) {
    const ids = Array.from({ length: PAGE }, (_, index) => `17${String(from + index).padStart(17, "0")}`);
    yield JSON.parse(JSON.stringify(ids)) as string[];
  }
}
