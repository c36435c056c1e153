const listeners = [];

// everySecond calls listener with the time in Unix seconds: at once, and whenever a second
// begins.
export function everySecond(listener) {
  listeners.push(listener);
  listener(Date.now() / 1000);
}

function tick() {
  const now = Date.now() / 1000; // the same for all: they count down together
  listeners.forEach((listener) => listener(now));
  setTimeout(tick, 1000 - (Date.now() % 1000));
}

tick();
