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
  const { response, text } = await exchange(route, "application/json", body, signal, credential);
  const answer = parse(text);
  if (response.status === 200 && answer?.[member] !== undefined) {
    return answer;
  }
  throw refusal(response, answer);
}

// postLines sends JSON texts, one a line (NDJSON), and returns the answers in the same
// order, parsed as JSON. Each has the given member or is an error, with a description.
// Otherwise postLines throws as post does.
export async function postLines(route, lines, member, signal, credential = "") {
  const { response, text } = await exchange(route, "application/x-ndjson", lines.join("\n"), signal, credential);
  if (response.status !== 200) {
    throw refusal(response, parse(text));
  }
  const answers = text.trimEnd().split("\n").map(parse);
  if (answers.length !== lines.length || !answers.every((answer) => answer?.[member] !== undefined || answer?.description !== undefined)) {
    throw refusal(response, null); // some proxies lose lines
  }
  return answers;
}

function refusal({ status }, answer) {
  if (answer?.status === status) {
    return new Refusal(`The service responded with status ${status}: ${answer.description}.`, status);
  }
  return new Refusal(`The response, with status ${status}, is not from the service but from something in between, such as a proxy.`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function exchange(route, contentType, body, signal, credential) {
  const headers = { "Content-Type": contentType };
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
  } catch (error) {
    signal.throwIfAborted();
    if (error.name === "TimeoutError") {
      throw new Refusal(`The service has not answered within ${timeout / 1000} seconds.`);
    }
    throw new Refusal("The service cannot be reached. It may have stopped: start it, then try again.");
  }
}
