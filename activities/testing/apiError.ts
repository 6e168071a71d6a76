// An error in the format of the OpenAI API: a status and `{ error: { message, type, param, code } }`.

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** What is wrong with a request, before it is put into the form of a server. */
export interface ApiProblem {
  readonly status: number;
  readonly message: string;
  readonly param?: string | null;
  readonly code?: string | null;
}

/** Thrown for a request that cannot be answered; the server turns it into a response. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly problem: ApiProblem;
  readonly body: unknown;

  constructor(problem: ApiProblem, form: (problem: ApiProblem) => unknown = openAIsForm) {
    super(problem.message);
    this.status = problem.status;
    this.problem = problem;
    this.body = form(problem);
  }
}

export function openAIsForm({ status, message, param = null, code = null }: ApiProblem): ErrorBody {
  return { error: { message, type: errorType(status), param, code } };
}

function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** An error with status 400, which clients do not retry. */
export function badRequest(message: string, param?: string, code?: string): ApiError {
  return new ApiError({ status: 400, message, param: param ?? null, code: code ?? null });
}
