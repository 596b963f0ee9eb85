import { Component, type ReactNode } from "react";
import { Failure } from "./states.tsx";

interface BoundaryProps {
  /** What is shown in its stead; left out, what went wrong is told, and it can be tried again. */
  readonly fallback?: ReactNode;
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
    const { children, fallback = <Failure error={error} onRetry={() => this.setState({ error: undefined })} /> } = this.props;
    return error === undefined ? children : fallback;
  }
}
