import { Component, type ReactNode } from "react";
import { Failure } from "./states.tsx";

interface BoundaryProps {
  readonly children: ReactNode;
}

/** Holds what strangers' values fill: when it cannot be drawn it says so in its place, and the rest of the page stays. */
export class Boundary extends Component<BoundaryProps, { readonly error?: unknown }> {
  override state: { readonly error?: unknown } = {};

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? this.props.children : <Failure error={error} onRetry={() => this.setState({ error: undefined })} />;
  }
}
