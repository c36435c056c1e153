// counted returns a number of things in words, such as "1 byte" or "2,500 bytes".
export const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
