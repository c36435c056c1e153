// everySecond calls show at once, and whenever a second begins.
export function everySecond(show) {
  show();
  setTimeout(() => everySecond(show), 1000 - (Date.now() % 1000));
}
