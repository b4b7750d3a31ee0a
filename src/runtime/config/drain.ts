import { z } from "zod";
import { duration } from "./fields.ts";

/** How a relayer ends. */
export const drainSchema = () =>
  z
    .strictObject({
      /** Not ready any more, and still serving: the time in which load balancers notice. */
      delay: duration().prefault("3s"),
      /** For the relays in work after that. */
      timeout: duration().prefault("25s"),
    })
    .prefault({});
