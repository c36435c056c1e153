// Shell commands that send the same requests as the page, for any POSIX shell.

// quote returns text as one word of a shell command. Single quotes make every
// character literal, but cannot contain a single quote.
export function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// curl returns a command that posts data. The data is visible in the process
// list and in the shell's history.
export function curl(url, data, ...options) {
  return [`curl -sS ${quote(url)}`, `-H ${quote("Content-Type: application/json")}`, `--data-binary ${quote(data)}`, ...options].join(" \\\n  ");
}

// inspectingCurl returns a command that asks for the key and keeps it out of both.
export function inspectingCurl(url, token, encoding) {
  const format = `{"Token":"%s","Signing_key":"%s","Key_encoding":"${encoding}"}`;
  return asking("Signing key", [format, JSON.stringify(token).slice(1, -1)], curl(url, "@-"));
}

// mintingCurl returns a command that posts data, asks for the credential and keeps
// that out of both.
export function mintingCurl(url, data) {
  return asking("Mint credential", ["Authorization: Bearer %s"], curl(url, data, "-H @-"));
}

// asking returns a command that asks for a secret, formats it with printf and pipes
// the result into another command. printf and read are built into the shell, and
// the variable exists only in the subshell that the parentheses start.
function asking(question, formatAndArguments, command) {
  return [
    `(stty -echo; printf '${question}: ' >&2`,
    `read -r secret; stty echo; echo >&2`,
    `printf ${formatAndArguments.map(quote).join(" \\\n  ")} "$secret" |`,
    `${command})`,
  ].join("\n  ");
}
