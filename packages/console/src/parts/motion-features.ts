/** What makes things move; loaded after the page is there. */
export { domMax as features } from "motion/react";
