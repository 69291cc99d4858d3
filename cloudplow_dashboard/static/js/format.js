// @ts-check
// Numbers and times as people read them. Pure; the same rules as the API's *_human fields.

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
const COUNT = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG_AGO = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/**
 * Bytes: 1024-based, one decimal; "0 B" for nothing.
 * @param {number} value
 */
export function bytes(value) {
  if (!Number.isFinite(value) || value <= 0) return "0 B";
  let amount = value;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * Bytes per second; "-" when nothing moves, "stalled" when hardly anything does.
 * @param {number} value
 */
export function speed(value) {
  if (!Number.isFinite(value) || value <= 0) return "-";
  return value < 1 ? "stalled" : `${bytes(value)}/s`;
}

/** From here on hours say less than days do, in seconds. */
const DAYS_FROM = 72 * 3600;
const MONTH = 30 * 86_400;

/**
 * Whether it takes so long that no date is worth naming.
 * @param {number} seconds
 */
export function isEndless(seconds) {
  return seconds > MONTH;
}

/**
 * What is left of the time: as `duration`; "> 30 days" beyond that, "-" when unknown.
 * @param {number} seconds
 */
export function timeLeft(seconds) {
  if (seconds < 0) return "-";
  return isEndless(seconds) ? "> 30 days" : duration(Math.max(1, seconds));
}

/**
 * Seconds: "5s", "4m 3s", "2h 7m", "3d 4h"; "-" for 0 or unknown. Up to three days as the API says it.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 1) return "-";
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  if (whole >= DAYS_FROM) return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

/**
 * A whole number with separators: "1,204".
 * @param {number} value
 */
export function count(value) {
  return COUNT.format(Math.max(0, Math.round(Number.isFinite(value) ? value : 0)));
}

/**
 * "1 file", "1,204 files".
 * @param {number} value
 * @param {string} one
 */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${Math.round(value) === 1 ? one : many}`;
}

/**
 * A share between 0 and 1: "43.2%". Rounded down, so that 100% means all of it.
 * @param {number} fraction
 */
export function percent(fraction, decimals = 1) {
  const bounded = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  const scale = 10 ** decimals;
  return `${(Math.floor(bounded * 100 * scale + 1e-7) / scale).toFixed(decimals)}%`;
}

/**
 * Whether there is such a moment: later ones no calendar holds.
 * @param {number} at
 */
function isTime(at) {
  return Number.isFinite(at) && at > 0 && at <= 8e12;
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** @param {Date} from @param {Date} to */
function daysBetween(from, to) {
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}

/** @param {Date} date @param {number} now @param {string} time */
function withDay(date, now, time) {
  const days = daysBetween(new Date(now * 1000), date);
  if (days === 0) return time;
  if (Math.abs(days) < 7) return `${WEEKDAY.format(date)} ${time}`;
  if (Math.abs(days) > 300) return LONG_AGO.format(date);
  return `${DATE.format(date)}, ${time}`;
}

/**
 * Epoch seconds in the viewer's zone: "18:40", on another day "Tue 18:40", "12 Oct, 18:40" or "12 Oct 2019"; "" for
 * none.
 * @param {number} at
 * @param {number} now
 */
export function clock(at, now) {
  if (!isTime(at)) return "";
  const date = new Date(at * 1000);
  return withDay(date, now, CLOCK.format(date));
}

/**
 * The same in a sentence, after "at", "since", "until", "around": "18:40 on Tue", "18:40 on 12 Oct".
 * @param {number} at
 * @param {number} now
 */
export function moment(at, now) {
  if (!isTime(at)) return "";
  const date = new Date(at * 1000);
  const time = CLOCK.format(date);
  const days = daysBetween(new Date(now * 1000), date);
  if (days === 0) return time;
  const day = Math.abs(days) < 7 ? WEEKDAY : Math.abs(days) > 300 ? LONG_AGO : DATE;
  return `${time} on ${day.format(date)}`;
}

/**
 * Epoch seconds in the viewer's zone without the day: "18:40".
 * @param {number} at
 */
export function clockOnly(at) {
  return isTime(at) ? CLOCK.format(new Date(at * 1000)) : "";
}

/**
 * As `clock`, with seconds.
 * @param {number} at
 * @param {number} now
 */
export function clockSeconds(at, now) {
  if (!isTime(at)) return "";
  const date = new Date(at * 1000);
  return withDay(date, now, SECONDS.format(date));
}

/**
 * Epoch seconds in full, for tooltips and `datetime`.
 * @param {number} at
 */
export function fullTime(at) {
  return isTime(at) ? FULL.format(new Date(at * 1000)) : "";
}

/**
 * Epoch seconds for the `datetime` attribute.
 * @param {number} at
 */
export function isoTime(at) {
  return isTime(at) ? new Date(at * 1000).toISOString() : "";
}

/** As the server writes a time: "until 14:05", "until Tue 2026-01-31 14:05"; a clock after other words is no moment. */
const MOMENT =
  /\b(until|at|check|from|since|try) (?:\w{3} )?(?:(\d{4})-(\d\d)-(\d\d).)?([0-2]\d):([0-5]\d)(?!:?\d|-|\.\w)/g;
/** Hours of a day, which stay those of the server, as they were written: so do the moments beside them. */
const HOURS_OF_DAY = /\d\d:\d\d ?[-\u2013] ?\d\d:\d\d/;

/**
 * A sentence of the server with its times in the viewer's zone and form, or it says whose times they are.
 * reference: epoch seconds of the day that a time without one belongs to; offset: of the server, in seconds east of
 * UTC.
 * @param {string} text
 * @param {number} reference
 * @param {number} offset
 * @param {number} now
 */
export function localTimes(text, reference, offset, now) {
  if (!isTime(reference)) return text;
  // Beside hours of the server its other times stay its own, too.
  const ahead = HOURS_OF_DAY.test(text) ? offset + 60 * new Date(reference * 1000).getTimezoneOffset() : 0;
  const day = new Date((reference + offset) * 1000);
  const own = [day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate()];
  const told = text.replace(MOMENT, (_, word, ...digits) => {
    const [year, month, date] = own.map((value, place) => Number(digits[place] ?? value));
    const at = Date.UTC(year, month - 1, date, Number(digits[3]), Number(digits[4])) / 1000 - offset;
    return `${word} ${moment(at + ahead, now + ahead)}`;
  });
  return ahead ? `${told} (the server's time)` : told;
}
