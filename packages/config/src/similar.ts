// Finds what a missing name may have been mistaken for, among the names that are set.

const MOST = 3;

/** Up to three names, the likeliest first. Names that could not be a variable's are passed over. */
export function similarNames(missing: string, candidates: Iterable<string>): string[] {
  const ranked: { readonly name: string; readonly distance: number }[] = [];
  for (const name of candidates) {
    if (!/^[A-Za-z_]\w{0,99}$/.test(name)) continue;
    const distance = distanceOf(missing, name);
    if (distance !== undefined) ranked.push({ name, distance });
  }
  ranked.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, MOST).map(({ name }) => name);
}

function distanceOf(missing: string, name: string): number | undefined {
  const [a, b] = [missing.toUpperCase(), name.toUpperCase()];
  if (letters(a) === letters(b)) return 0;
  // APP_DATABASE_URL for DATABASE_URL, or the other way round.
  if (Math.min(a.length, b.length) >= 4 && (a.endsWith(`_${b}`) || b.endsWith(`_${a}`))) return 1;
  if (a.split("_").sort().join("_") === b.split("_").sort().join("_")) return 1;
  // In a short name two edits make any other short name.
  const most = missing.length <= 4 ? 1 : 2;
  if (Math.abs(a.length - b.length) > most) return undefined;
  const distance = editDistance(a, b);
  return distance <= most ? distance : undefined;
}

function letters(name: string): string {
  return name.replaceAll("_", "");
}

/** Damerau-Levenshtein, restricted: insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
