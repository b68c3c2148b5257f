/**
 * Verdicts on their way to the server. They are kept in the browser until the server has answered: a reload, a lost
 * connection or a server that restarts must not lose one. Sent in order, so that an undo arrives after its verdict;
 * sent again after a failure, which is harmless because each carries its own id.
 */

export interface Letter {
  /** Of the verdict or batch: what the caller is told about. */
  event: string;
  path: string;
  body: unknown;
}

export type Answer = { kind: "taken" } | { kind: "refused"; why: string } | { kind: "later"; afterS: number | null };

export interface Keep {
  read(): string | null;
  write(text: string): void;
}

export interface Told {
  onCount(nUnsent: number, isStuck: boolean): void;
  onRefused(letter: Letter, why: string): void;
}

const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 15;

export class Outbox {
  private letters: Letter[];
  private isSending = false;
  private nFailures = 0;

  constructor(
    private readonly send: (letter: Letter) => Promise<Answer>,
    private readonly keep: Keep,
    private readonly told: Told,
    private readonly wait: (seconds: number) => Promise<void>,
  ) {
    this.letters = parseLetters(keep.read());
  }

  get nUnsent(): number {
    return this.letters.length;
  }

  post(letter: Letter): void {
    this.letters = [...this.letters, letter];
    this.changed();
    void this.flush();
  }

  /** Send all that waits; returns when nothing is left. */
  async flush(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    try {
      for (let letter = this.letters[0]; letter !== undefined; letter = this.letters[0]) {
        const answer = await this.send(letter);
        if (answer.kind === "later") {
          this.nFailures += 1;
          this.changed();
          await this.wait(answer.afterS ?? Math.min(FIRST_WAIT_S * 2 ** (this.nFailures - 1), LONGEST_WAIT_S));
          continue;
        }
        this.nFailures = 0;
        this.letters = this.letters.slice(1);
        this.changed();
        if (answer.kind === "refused") this.told.onRefused(letter, answer.why);
      }
    } finally {
      this.isSending = false;
    }
  }

  private changed(): void {
    this.keep.write(JSON.stringify(this.letters));
    this.told.onCount(this.letters.length, this.nFailures > 0);
  }
}

function parseLetters(kept: string | null): Letter[] {
  if (kept === null) return [];
  try {
    const read: unknown = JSON.parse(kept);
    if (!Array.isArray(read)) return [];
    return read.filter(
      (one): one is Letter =>
        typeof one === "object" && one !== null && typeof one.path === "string" && typeof one.event === "string",
    );
  } catch {
    return [];
  }
}
