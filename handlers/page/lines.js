// Turns a file into requests to POST /tokens, which mint a token for each line.

import { read } from "./json.js";

// Bounds of a request. The service answers while it reads, and a browser does not read
// while it sends: a request must fit into the buffers between them.
const maxLines = 1000; // of the file
const maxBytes = 64 << 10;

// maxLine is the size in bytes of the longest request to mint a token. A longer one is
// never sent. One that is longer than maxBytes goes alone: the service answers it only
// when it has read all of it.
const maxLine = 256 << 10;

const pieceSize = 1 << 20; // bytes read at a time, more than a line may have

const tooLong = "it is too long: at most 256 KiB can be minted, claims and lifetime included";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// requests yields the requests for a file, in order. The kind of its lines is "json" or
// "text". Members are the other members of each line's request, as JSON without braces. A
// request has
//   lines    what to send, a JSON object a line
//   numbers  the numbers of these lines in the file, from 1
//   faults   the lines that cannot be sent: {number, fault}
//   last     the number of the last line that it is about
//   end      where in the file that line ends
export async function* requests(file, kind, members) {
  let request = newRequest();
  for await (const { number, bytes, end } of lines(file)) {
    const { fault, json } = dataOf(number, bytes, kind);
    const line = json === null ? "" : `{"user_data":${json}${members && `,${members}`}}`;
    const size = encoder.encode(line).length;
    if (request.count === maxLines || (request.count > 0 && request.bytes + size > maxBytes)) {
      yield request;
      request = newRequest();
    }
    request.count++;
    request.last = number;
    request.end = end;
    if (fault !== null || size > maxLine) {
      request.faults.push({ number, fault: fault ?? tooLong });
    } else if (json !== null) {
      request.lines.push(line);
      request.numbers.push(number);
      request.bytes += size + 1; // with its line feed
    }
  }
  if (request.count > 0) {
    yield request;
  }
}

const newRequest = () => ({ lines: [], numbers: [], faults: [], last: 0, end: 0, count: 0, bytes: 0 });

// dataOf returns the data in a line as JSON, or null if the line is blank or has a fault.
function dataOf(number, bytes, kind) {
  if (bytes === null) {
    return { fault: tooLong, json: null };
  }
  let text;
  try {
    text = decoder.decode(bytes).replace(/\r$/, "");
  } catch {
    return { fault: "it is not UTF-8", json: null };
  }
  if (text.includes("\0")) {
    return { fault: "it has a NUL character: the file must be text in UTF-8", json: null };
  }
  if (number === 1) {
    text = text.replace(/^\ufeff/, ""); // a byte order mark
  }
  if (/^[ \t\r]*$/.test(text)) {
    return { fault: null, json: null };
  }
  if (kind === "text") {
    return { fault: null, json: JSON.stringify(text) };
  }
  const fault = faultOf(text);
  return { fault, json: fault === null ? text : null };
}

// faultOf returns what is wrong with text as JSON, or null. A text that is not one JSON
// value could add members of its own to the request.
function faultOf(text) {
  try {
    JSON.parse(text); // faster than read
    return null;
  } catch {
    const fault = read(text).fault.replace(/ that begins on line 1(?= )|(?<=\()line 1, /g, ""); // lines count in the file
    return `it is not JSON: ${fault}${advice(text, fault)}`;
  }
}

function advice(text, fault) {
  if (fault.includes("has no closing")) {
    return "; each line must be JSON of its own";
  }
  return /^[ \t\r]*[^{["\s]/.test(text) ? "; if the lines are text, choose that above" : "";
}

// lines yields the lines of a file as {number, bytes, end}. The bytes are without the line
// feed, and null if a line does not fit into a piece of the file.
async function* lines(file) {
  let number = 1;
  let long = false; // whether the beginning of the line was in an earlier piece
  for (let start = 0; start < file.size; ) {
    const piece = new Uint8Array(await file.slice(start, start + pieceSize).arrayBuffer());
    let at = 0;
    for (let feed = piece.indexOf(0x0a); feed >= 0; feed = piece.indexOf(0x0a, at)) {
      yield { number: number++, bytes: long ? null : piece.subarray(at, feed), end: start + feed + 1 };
      long = false;
      at = feed + 1;
    }
    if (start + piece.length === file.size && at < piece.length) { // no line feed at the end
      yield { number, bytes: long ? null : piece.subarray(at), end: file.size };
      return;
    }
    long ||= at === 0;
    start += long ? piece.length : at;
  }
}
