import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Failure } from "../../parts/states.tsx";
import { say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";

/** Copies a plugin of the server's own folder to the plugins folder. Nothing of it runs before somebody has read what it asks for. */
export function AddPlugin({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [path, setPath] = useState("");
  const queries = useQueryClient();
  const adding = useAction({
    mutationFn: () => client.addFolderPlugin(path.trim()),
    onSuccess: ({ name }) => {
      say(`${name} is there; look at what it asks for, then enable it`);
      onClose();
      return queries.invalidateQueries({ queryKey: ["plugins"] });
    },
  });
  return (
    <Window title="Add a plugin" about="It is copied to the plugins folder, and stays off until it is enabled." isOpen onClose={onClose}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          adding.mutate();
        }}
      >
        {adding.error !== null && <Failure error={adding.error} />}
        <TextField
          label="Folder on the server"
          help="Within the folder in which Tutti was started, such as examples/plugins/shop. Others are added with: tutti plugins add"
          required
          spellCheck={false}
          value={path}
          onChange={({ target }) => setPath(target.value)}
        />
        <div>
          <Button type="submit" tone="primary" isBusy={adding.isPending} disabled={path.trim() === ""}>
            Add
          </Button>
        </div>
      </form>
    </Window>
  );
}
