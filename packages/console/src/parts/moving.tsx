import { LazyMotion, MotionConfig } from "motion/react";
import type { ReactNode } from "react";
import { useMotionAllowed } from "../appearance.ts";

const loadFeatures = () => import("./motion-features.ts").then((module) => module.features);

/** Things within may come, go and change their places visibly, so that a change is seen; not where somebody wants stillness. */
export function Moving({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <LazyMotion features={loadFeatures} strict>
      <MotionConfig reducedMotion={useMotionAllowed() ? "never" : "always"} transition={{ duration: 0.18 }}>
        {children}
      </MotionConfig>
    </LazyMotion>
  );
}
