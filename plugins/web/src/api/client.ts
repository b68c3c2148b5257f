/** How the page speaks with the API: same origin, JSON, errors as problem+json. */

export interface Problem {
  title: string;
  status: number;
  detail?: string | undefined;
}

export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterS: number | null = null,
  ) {
    super(problem.detail ?? problem.title);
  }
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** Beside the page itself, whatever prefix a proxy puts before both. */
const BASE = new URL("../api/v1/", new URL(".", document.baseURI)).href;

export type Asked = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, asked: Asked = {}): string {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(asked)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

export async function get<T>(path: string, asked: Asked = {}, signal?: AbortSignal): Promise<T> {
  const answer = await request(address(path, asked), signal === undefined ? {} : { signal });
  return (await answer.json()) as T;
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const answer = await request(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (answer.status === 204 ? null : await answer.json()) as T;
}

export async function request(url: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({ title: "The server cannot be reached", status: 0 });
  }
  if (answer.ok) return answer;
  throw new ApiError(await problemOf(answer), retryAfter(answer));
}

async function problemOf(answer: Response): Promise<Problem> {
  try {
    const said = (await answer.json()) as Partial<Problem>;
    return { title: said.title ?? answer.statusText, status: answer.status, detail: said.detail };
  } catch {
    return { title: answer.statusText || `error ${answer.status}`, status: answer.status };
  }
}

function retryAfter(answer: Response): number | null {
  const said = Number(answer.headers.get("Retry-After"));
  return Number.isFinite(said) && said > 0 ? said : null;
}

/** Whether asking again may help: nothing was reached, the server is overloaded or has an error of its own. */
export function isPassing(problem: Problem): boolean {
  return problem.status === 0 || problem.status === 408 || problem.status === 429 || problem.status >= 500;
}

/** What to tell a person. */
export function sayError(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.problem.status === 401)
      return "You are not logged in, or no longer: log in to Airflow and load this page again.";
    if (error.problem.status === 403) return `Not allowed: ${error.message}`;
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}
