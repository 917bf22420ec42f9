import type { Result } from '../../state/api.ts';

/** Something to be asked before it is done. */
export interface Question {
  title: string;
  text: string;
  /** On the button that does it. */
  confirm: string;
  /** A call, a login or an account ends by it: the button is red. */
  ends?: boolean;
  work: () => Promise<Result<unknown>>;
}
