// HTTP-date in its three forms (RFC 9110, 5.6.7), read by the grammar: `Date.parse` takes almost anything, in local time.

const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

const FORMS: readonly RegExp[] = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // Sunday, 06-Nov-94 08:49:37 GMT, from RFC 850
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  // Sun Nov  6 08:49:37 1994, from C's asctime()
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

// A two-digit year that appears to be further ahead than this is one of the past (RFC 9110, 5.6.7).
const FURTHEST_YEARS = 50;

/** Milliseconds since the epoch; undefined where the text is no HTTP-date. `nowMs` tells the century of a year with two digits. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts) return instantOf(parts, nowMs);
  }
  return undefined;
}

function instantOf(parts: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const part = (name: string): number => Number(parts[name]);
  const year = parts["year"]?.length === 2 ? fullYear(part("year"), nowMs) : part("year");
  const month = MONTHS.indexOf(parts["month"] ?? "");
  const [day, hour, minute, second] = [part("day"), part("hour"), part("minute"), part("second")];
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A leap second (60) is the next minute's first, as for POSIX.
  const exists = date.getUTCMonth() === month && date.getUTCDate() === day && hour < 24 && minute < 60 && second <= 60;
  return exists ? date.setUTCHours(hour, minute, second) : undefined;
}

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + FURTHEST_YEARS) return year - 100;
  return year <= thisYear - FURTHEST_YEARS ? year + 100 : year;
}
