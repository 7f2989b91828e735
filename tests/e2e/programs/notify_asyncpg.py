#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asyncpg: add_listener() on connections of a pool, which resets them when they come back."""
import asyncio

import asyncpg


async def main():
    pool = await asyncpg.create_pool(min_size=2, max_size=2)
    queue = asyncio.Queue()
    listener = await pool.acquire()

    def heard(connection, pid, channel, payload):
        queue.put_nowait((channel, payload, pid == connection.get_server_pid()))

    async def hear(n):
        return [await asyncio.wait_for(queue.get(), 9) for _ in range(n)]

    await listener.add_listener("jobs", heard)
    await listener.add_listener("Late", heard)
    await listener.add_listener("late", heard)
    async with pool.acquire() as sender:
        await sender.execute("notify jobs, 'simple'")
        print(await hear(1))
        await sender.fetchval("select pg_notify($1, $2)", "Late", "bound")
        print(await hear(1))
        async with sender.transaction():
            await sender.execute("insert into work values ($1)", 9)
            await sender.execute("notify \"Late\", 'in a transaction'")
        print(sorted(await hear(2)))
    await listener.execute("notify jobs, 'own'")
    print(await hear(1))
    print("outside?", flush=True)
    print(await hear(2))
    await listener.remove_listener("jobs", heard)
    await listener.remove_listener("late", heard)
    await listener.remove_listener("Late", heard)
    await pool.release(listener)
    async with pool.acquire() as sender:
        await sender.execute("notify jobs, 'gone'")
        print(await sender.fetchval("select count(*) from pg_listening_channels()"))
    await pool.close()
    print(queue.qsize())


asyncio.run(main())
