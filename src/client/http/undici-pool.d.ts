/** Undici's connections alone: the whole of the package would cost every start 50 ms and 13 MB more. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export default Pool;
}
