// Requests to the service that served this page. The page sends no others.

const timeout = 20_000; // milliseconds; longer than the service takes for any response

// address returns the absolute URL of a route. It starts from the page's URL,
// because a proxy may have added a prefix to the path.
export function address(route) {
  return new URL(route, document.baseURI).href;
}

// Refusal is an error response from the service, or the lack of a response from
// it. Its message is shown to the user.
export class Refusal extends Error {
  // status is that of the service's response, or undefined if there was none.
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// post sends a JSON text and returns the response, parsed as JSON, if it has
// the given member. Otherwise it throws a Refusal, or, once signal is aborted,
// the reason of signal. The credential may be "".
export async function post(route, body, member, signal, credential = "") {
  const { response, text } = await exchange(route, body, signal, credential);
  const answer = parse(text);
  if (response.status === 200 && answer?.[member] !== undefined) {
    return answer;
  }
  if (answer?.status === response.status) {
    throw new Refusal(`The service responded with status ${answer.status}: ${answer.description}.`, answer.status);
  }
  throw new Refusal(`The response, with status ${response.status}, is not from the service but from something in between, such as a proxy.`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function exchange(route, body, signal, credential) {
  const headers = { "Content-Type": "application/json" };
  if (credential !== "") {
    headers.Authorization = `Bearer ${credential}`; // RFC 6750 §2.1
  }
  try {
    const response = await fetch(address(route), {
      method: "POST",
      headers,
      body,
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    return { response, text: await response.text() };
  } catch {
    signal.throwIfAborted();
    throw new Refusal("The service cannot be reached. It may have stopped: start it, then try again.");
  }
}
