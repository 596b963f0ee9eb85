import { Stamp } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Empty } from "../../parts/states.tsx";
import { ApproveCallForm } from "./approve-call-form.tsx";
import { GivenList } from "./given-list.tsx";

/** Approvals of one call each, given before the call. */
export function GivenApprovals(): ReactNode {
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <GivenList
        kind="approval"
        label="Approvals given before"
        actions={
          <Button tone="primary" onClick={() => setMaking(true)}>
            Approve one call …
          </Button>
        }
        empty={
          <Empty icon={Stamp} title="No call was approved before it was made">
            Whoever calls a tool can be given the approval along: one tool, one input, once.
          </Empty>
        }
      />
      {isMaking && <ApproveCallForm onClose={() => setMaking(false)} />}
    </>
  );
}
