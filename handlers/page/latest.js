import { Refusal } from "./service.js";

// Latest runs one call at a time. A new call, or cancel, aborts the one in
// progress, which then calls neither onAnswer nor onRefusal.
export class Latest {
  #controller = new AbortController();

  cancel() {
    this.#controller.abort();
  }

  async run(call, onAnswer, onRefusal) {
    this.cancel();
    const { signal } = (this.#controller = new AbortController());
    try {
      onAnswer(await call(signal)); // call throws once signal is aborted
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof Refusal)) {
        throw error;
      }
      onRefusal(error);
    }
  }
}
