// Draws a part again only when what it is given has changed: a run with thousands of calls gets an update every 100 ms.
import { Component, type ComponentChildren, type FunctionComponent, h } from 'preact';

export function memo<Props extends object>(draw: (props: Props) => ComponentChildren): FunctionComponent<Props> {
  class Kept extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const names = Object.keys(next) as (keyof Props)[];
      return names.some((name) => next[name] !== (this.props as Props)[name]);
    }

    override render() {
      return h(draw as FunctionComponent<Props>, this.props as Props);
    }
  }
  return Kept as unknown as FunctionComponent<Props>;
}
