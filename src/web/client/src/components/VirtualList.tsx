// A list of which only the rows in view are in the document. Rows have any height: it is estimated, then measured.
// What one looks at stays where it is when rows come in above; who is at the end stays at the end.
import { type ComponentChildren, type RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Heights } from "../lib/heights";

const kOverscan = 600; // pixels above and below the view that are rendered, too
const kEndSpace = 12; // pixels below the last row of a list that stays at its end
const kEndSlack = 60; // pixels from the end that still count as the end

export interface VirtualHandle {
  /** Brings a row into the middle of the view. */
  show(key: string): void;
  toEnd(): void;
}

export function VirtualList<Row extends { key: string }>(props: {
  rows: readonly Row[];
  render: (row: Row) => ComponentChildren;
  /** A first guess of the height of a row, pixels. */
  estimate: (row: Row) => number;
  /** Begins and stays at the end. */
  end?: boolean;
  onStart?: () => void;
  onEnd?: (atEnd: boolean) => void;
  /** Called with the last row in view, whenever that may be another. */
  onSeen?: (row: Row) => void;
  handle?: RefObject<VirtualHandle | null>;
  label: string;
  class?: string;
  role?: "log" | "list";
}) {
  const { rows } = props;
  const view = useRef<HTMLDivElement>(null);
  const measured = useRef(new Map<string, number>()).current;
  const heights = useRef(new Heights()).current;
  const atEnd = useRef(props.end ?? false);
  const anchor = useRef<{ key: string; offset: number } | null>(null);
  const [, redraw] = useState(0);

  const indexOf = useMemo(() => {
    heights.reset(rows.length, (i) => measured.get(rows[i]!.key) ?? props.estimate(rows[i]!));
    return new Map(rows.map((row, index) => [row.key, index]));
  }, [rows]);

  const scrolled = view.current?.scrollTop ?? 0;
  const viewHeight = view.current?.clientHeight || 800;
  // Before the first layout the list is drawn from where it is going to be.
  const origin = atEnd.current ? Math.max(0, heights.total - viewHeight) : scrolled;
  const first = heights.at(origin - kOverscan);
  const last = heights.at(origin + viewHeight + kOverscan);
  const shown = rows.slice(first, rows.length ? last + 1 : 0);

  const place = () => {
    const box = view.current!;
    if (atEnd.current) {
      if (box.scrollHeight - box.scrollTop - box.clientHeight > 1) box.scrollTop = box.scrollHeight;
      return;
    }
    const index = anchor.current && indexOf.get(anchor.current.key);
    if (index === undefined || index === null) return;
    const wanted = heights.top(index) + anchor.current!.offset;
    if (Math.abs(wanted - box.scrollTop) > 1) box.scrollTop = wanted;
  };
  const tellSeen = () => {
    const box = view.current!;
    const row = rows[heights.at(box.scrollTop + box.clientHeight - 1)];
    if (row) props.onSeen?.(row);
  };
  const remember = () => {
    const box = view.current!;
    const index = heights.at(box.scrollTop);
    if (rows[index]) anchor.current = { key: rows[index]!.key, offset: box.scrollTop - heights.top(index) };
  };

  useLayoutEffect(() => {
    let changed = false;
    for (const element of view.current!.querySelectorAll<HTMLElement>("[data-row]")) {
      const index = indexOf.get(element.dataset.row!);
      if (index === undefined) continue;
      const height = element.offsetHeight;
      measured.set(element.dataset.row!, height);
      changed = heights.set(index, height) || changed;
    }
    if (changed) redraw((n) => n + 1);
    place();
    tellSeen();
  });
  useEffect(() => {
    const resized = new ResizeObserver(() => redraw((n) => n + 1));
    resized.observe(view.current!);
    return () => resized.disconnect();
  }, []);

  const onScroll = () => {
    const box = view.current;
    if (!box) return; // the list has gone meanwhile
    const end = box.scrollHeight - box.scrollTop - box.clientHeight < kEndSlack;
    if (end !== atEnd.current) props.onEnd?.(end);
    atEnd.current = end;
    remember();
    if (box.scrollTop < 2 * box.clientHeight) props.onStart?.();
    redraw((n) => n + 1);
  };
  if (props.handle) {
    props.handle.current = {
      show(key) {
        const index = indexOf.get(key);
        if (index === undefined) return;
        atEnd.current = false;
        anchor.current = { key, offset: -view.current!.clientHeight / 3 };
        place();
        redraw((n) => n + 1);
      },
      toEnd() {
        atEnd.current = true;
        props.onEnd?.(true);
        redraw((n) => n + 1);
      },
    };
  }
  return (
    <div ref={view} class={`virtual overflow-x-hidden overflow-y-auto ${props.class ?? ""}`} onScroll={onScroll} tabIndex={0} role={props.role ?? "list"} aria-label={props.label} aria-live="off">
      {props.end && <div style={{ height: `${Math.max(0, viewHeight - heights.total - kEndSpace)}px` }} />}
      <div class="relative" style={{ height: `${heights.total}px` }}>
        <div class="absolute inset-x-0" style={{ transform: `translateY(${rows.length ? heights.top(first) : 0}px)` }}>
          {shown.map((row) => (
            <div key={row.key} data-row={row.key} role={props.role === "log" ? undefined : "listitem"} class="flow-root">
              {props.render(row)}
            </div>
          ))}
        </div>
      </div>
      {props.end && <div class="h-3" />}
    </div>
  );
}
