// Shell commands that send the same requests as the page, for any POSIX shell.

// quote returns text as one word of a shell command. Single quotes make every
// character literal, but cannot contain a single quote.
export function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// curl returns a command that posts data. The data is visible in the process
// list and in the shell's history.
export function curl(url, data, ...options) {
  return request(url, `-H ${quote("Content-Type: application/json")}`, `--data-binary ${quote(data)}`, ...options);
}

// inspectingCurl returns a command that asks for the key, and keeps it out of the process
// list and the history.
export function inspectingCurl(url, token, encoding) {
  const format = `{"Token":"%s","Signing_key":"%s","Key_encoding":"${encoding}"}`;
  return asking("Signing key", [format, JSON.stringify(token).slice(1, -1)], curl(url, "@-"));
}

// mintingCurl returns a command that posts data, and asks for the credential as
// inspectingCurl asks for the key.
export function mintingCurl(url, data) {
  return asking("Mint credential", ["Authorization: Bearer %s"], curl(url, data, "-H @-"));
}

// signingCurl returns a command that asks for the key to sign a header and claims with,
// both JSON texts.
export function signingCurl(url, header, claims) {
  const format = '{"Header":%s,"Claims":%s,"Signing_key":"%s","Key_encoding":"utf8"}';
  return asking("Signing key", [format, header, claims], curl(url, "@-"));
}

// The next three ask for the token: whoever has it can use it.

// ownKeyCurl returns a command that inspects a token with the service's own keys.
export function ownKeyCurl(url) {
  return asking("Token", ['{"Token":"%s"}'], curl(url, "@-"));
}

// introspectingCurl returns a command that posts a token as a form.
export function introspectingCurl(url) {
  return asking("Token", ["%s"], request(url, "--data-urlencode token@-"));
}

// gateCurl returns a command that sends a token to the gate and shows the header of the
// response, which has no body.
export function gateCurl(url) {
  return asking("Token", ["Authorization: Bearer %s"], request(url, "-i", "-H @-"));
}

// bearerHeader returns the line of a request that carries a token (RFC 6750 §2.1).
export const bearerHeader = (token) => `Authorization: Bearer ${token}`;

// bearerCurl returns a command that sends a token. The token is visible in the process list
// and in the shell's history.
export function bearerCurl(url, token) {
  return request(url, "-i", `-H ${quote(bearerHeader(token))}`);
}

// request returns a curl command with options, each on a line.
function request(url, ...options) {
  return [`curl -sS ${quote(url)}`, ...options].join(" \\\n  ");
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
