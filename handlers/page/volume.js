// Mints a token for each line of a file, with the service's key.

import { withCredential } from "./credential.js";
import { element, setText, showStatus } from "./dom.js";
import { visible } from "./json.js";
import { requests } from "./lines.js";
import { options } from "./mint.js";
import { postLines, Refusal } from "./service.js";
import { counted } from "./words.js";

const file = element("volume-file");
const status = element("volume-status");
const cancel = element("volume-cancel");
const download = element("volume-download");
const faultList = element("volume-faults-list");

const shownFaults = 20;

let current = null; // the run that is shown

// Run is a pass through a file. It does not know the page, and can be dropped at any time.
class Run {
  constructor(file, kind, members) {
    this.file = file;
    this.requests = requests(file, kind, members);
    this.controller = new AbortController();
    this.tokens = []; // Blobs: the browser can move them to the disk
    this.minted = 0;
    this.faults = []; // the first ones: {number, fault}
    this.faulty = 0;
    this.line = 0; // the last line that is done
    this.end = 0; // where in the file it ends
    this.isArray = false; // whether the first line sent has an array as its data
  }

  // go mints until the end of the file. It calls onProgress after each request.
  async go(onProgress) {
    const { signal } = this.controller;
    for await (const request of this.requests) {
      signal.throwIfAborted();
      const { lines } = request;
      this.isArray ||= lines[0]?.startsWith('{"user_data":[');
      const answers = lines.length === 0 ? [] : await withCredential((credential) => postLines("tokens", lines, "JWT Token", signal, credential));
      this.add(request, answers);
      onProgress();
    }
  }

  add({ numbers, faults, last, end }, answers) {
    const tokens = [];
    const all = [...faults];
    answers.forEach((answer, i) => {
      const token = answer["JWT Token"];
      if (token !== undefined) {
        tokens.push(`${token}\n`);
      } else {
        all.push({ number: numbers[i], fault: answer.description });
      }
    });
    this.tokens.push(new Blob(tokens));
    this.minted += tokens.length;
    this.faulty += all.length;
    all.sort((a, b) => a.number - b.number);
    this.faults.push(...all.slice(0, shownFaults - this.faults.length));
    this.line = last;
    this.end = end;
  }
}

async function start(event) {
  event.preventDefault();
  if (!cancel.hidden) {
    return; // a second press would throw away the tokens of the first
  }
  const members = options();
  if (members === null) {
    refuse("Nothing was sent: see the hints in the form above.");
    return;
  }
  if (file.files.length === 0) {
    refuse("Choose a file first.", file);
    return;
  }
  drop();
  const run = new Run(file.files[0], element("volume-kind").value, members);
  current = run;
  cancel.hidden = false;
  show(run);
  const { text, failed } = await outcome(run);
  if (run === current) {
    finish(run);
    showStatus(status, text, failed);
  }
}

function refuse(text, field) {
  showStatus(status, text, true);
  field?.focus();
}

// drop ends the current run, if any, and forgets its tokens.
function drop() {
  current?.controller.abort();
  current = null;
  cancel.hidden = true;
  element("volume-result").hidden = true;
  showStatus(status, "", false);
  URL.revokeObjectURL(download.href);
  download.removeAttribute("href");
  download.hidden = true;
  faultList.replaceChildren();
}

// outcome runs to the end and says how it ended.
async function outcome(run) {
  try {
    await run.go(() => run === current && show(run));
  } catch (error) {
    return { text: `${reason(run, error)} ${stopped(run)}`, failed: true };
  }
  if (run.minted + run.faulty === 0) {
    return { text: "There is nothing to mint: the file is empty, has only blank lines, or is gone.", failed: true };
  }
  const advice = run.isArray && run.minted === 1 && run.faulty === 0 ? " Its data is the whole array: for a token for each element, put each on a line of its own." : "";
  return { text: `Done: ${counts(run)}.${advice}`, failed: false };
}

function reason(run, error) {
  if (run.controller.signal.aborted) {
    return "Canceled.";
  }
  if (error instanceof Refusal) {
    return error.message;
  }
  if (error instanceof DOMException) { // the File API's own errors
    return "The file cannot be read. It may have changed or moved: choose it again.";
  }
  throw error;
}

const stopped = (run) => `Stopped at line ${number(run.line + 1)}${run.minted > 0 ? ": tokens.txt has only tokens of the lines before it" : ""}.`;

function show(run) {
  const part = run.file.size === 0 ? 1 : run.end / run.file.size;
  element("volume-progress").value = part;
  setText(element("volume-count"), `${counted(run.line, "line")} read: ${counts(run)}.`);
  showStatus(status, "Minting…", false); // a screen reader has the progress from its bar
  showFaults(run);
  element("volume-result").hidden = false;
}

function showFaults(run) {
  element("volume-faults").hidden = run.faulty === 0;
  for (const { number: line, fault } of run.faults.slice(faultList.childElementCount)) {
    const item = document.createElement("li");
    item.textContent = `Line ${number(line)}: ${visible(fault)}.`;
    faultList.append(item);
  }
  const more = run.faulty > run.faults.length ? ` These are the first ${shownFaults} of ${number(run.faulty)}.` : "";
  const others = run.minted > 0 ? "tokens.txt has only the tokens of the other lines." : "";
  setText(element("volume-faults-count"), `${others}${more}`.trim());
}

// finish offers the tokens. The URL of the download lasts until the next run.
function finish(run) {
  if (document.activeElement === cancel) {
    element("volume-start").focus();
  }
  cancel.hidden = true;
  if (run.minted > 0) {
    download.href = URL.createObjectURL(new Blob(run.tokens, { type: "text/plain" }));
    download.hidden = false;
  }
}

const counts = (run) => counted(run.minted, "token") + (run.faulty > 0 ? `, and ${counted(run.faulty, "line")} without one` : "");
const number = (count) => count.toLocaleString("en");

element("volume").addEventListener("submit", start);
file.addEventListener("change", drop);
cancel.addEventListener("click", () => current.controller.abort());
