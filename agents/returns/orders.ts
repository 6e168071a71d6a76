// The tools of the returns desk, over orders that are made up from their numbers. Nothing is paid.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';

const GOODS = ['kettle', 'toaster', 'lamp'] as const;
const PLACES = ['Hamburg', 'Hanover', 'Kassel', 'Fulda', 'Frankfurt', 'Mannheim', 'Karlsruhe', 'Basel'] as const;

/** Customer 471 has the orders 4711, 4712 and 4713. */
const ordersOf = (customer: number) => GOODS.map((_, index) => customer * 10 + index + 1);
const order = z.object({ order: z.number().int().positive() });

/** The last digit of an order's number says what it is. */
function goodsOf(number: number): { readonly goods: string; readonly euros: number } {
  const index = (number % 10) - 1;
  const goods = GOODS[index];
  if (!goods) throw new ToolError(`There is no order ${number}.`);
  return { goods, euros: 20 + 15 * index };
}

export const findOrders = defineTool({
  name: 'find_orders',
  description: 'The numbers of a customer’s orders.',
  input: z.object({ customer: z.number().int().positive() }),
  effect: 'read',
  run: ({ customer }) => ({ orders: ordersOf(customer) }),
});

export const getOrder = defineTool({
  name: 'get_order',
  description: 'An order: what it is, what it cost, and where it has been.',
  input: order,
  effect: 'read',
  run: ({ order: number }) => ({
    order: number,
    ...goodsOf(number),
    tracking: Array.from({ length: 80 }, (_, at) => {
      const day = String(1 + Math.floor(at / 4)).padStart(2, '0');
      return `October ${day}, ${PLACES[at % PLACES.length]}: ${at === 79 ? 'delivered' : 'sorted and sent to the next depot'}`;
    }).join('; '),
  }),
});

export const refundOrder = defineTool({
  name: 'refund_order',
  description: 'Pays an order back.',
  input: order,
  effect: 'idempotent',
  run: ({ order: number }) => ({ order: number, refunded: goodsOf(number).euros }),
});
