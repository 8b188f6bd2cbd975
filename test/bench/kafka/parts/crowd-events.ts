/** Each identity of the crowd has worked so often before its partition changes hands. */
export const CROWD_EVENTS = 3;
