// The service that served this page. Nothing else is ever asked.

const timeout = 20_000; // milliseconds, longer than the service takes for any answer

// address returns the absolute address of a route, wherever a proxy put it.
export function address(route) {
  return new URL(route, document.baseURI).href;
}

// Refusal is an answer of the service that is an error, or no answer at all.
// Its message is for people.
export class Refusal extends Error {}

// post sends a JSON text, and returns the answer, read as JSON, which has to
// have the given member. It throws a Refusal, or signal's own reason once
// signal is aborted.
export async function post(route, body, member, signal) {
  const { response, text } = await exchange(route, body, signal);
  const answer = parse(text);
  if (response.status === 200 && answer?.[member] !== undefined) {
    return answer;
  }
  if (answer?.status === response.status) {
    throw new Refusal(`The service refused, with status ${answer.status}: ${answer.description}.`);
  }
  throw new Refusal(`The answer, with status ${response.status}, is not the service's own: something between here and there made it.`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function exchange(route, body, signal) {
  try {
    const response = await fetch(address(route), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    return { response, text: await response.text() };
  } catch {
    signal.throwIfAborted();
    throw new Refusal("The service cannot be reached: it may have stopped. Start it again, then try again.");
  }
}
