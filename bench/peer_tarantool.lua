-- peer_tarantool.lua - two-account transfers in one Tarantool process, each commit synced.
-- SPDX-License-Identifier: Apache-2.0
-- usage: tarantool peer_tarantool.lua FOLDER ACCOUNTS FIBERS; then lines "N" on standard input, each
-- answered with "N WALL_SECONDS CPU_SECONDS". Ends at the end of its input.
local fiber = require('fiber')
local clock = require('clock')
local folder, accounts, fibers = arg[1], tonumber(arg[2]), tonumber(arg[3])

-- Everything it does is in this process: no network, no queue, no answer to send.
box.cfg{work_dir = folder, wal_mode = 'fsync', memtx_memory = 256 * 1024 * 1024,
        checkpoint_interval = 0, log = 'tarantool.log'}
local space = box.schema.space.create('accounts', {format = {{'id', 'unsigned'}, {'sum', 'integer'}}})
space:create_index('primary', {parts = {1, 'unsigned'}})
box.begin()
for i = 0, accounts - 1 do space:insert{i, 0} end
box.commit()

local function transfer(from, to)
    box.begin()
    space:update(from, {{'-', 2, 1}})
    space:update(to, {{'+', 2, 1}})
    box.commit() -- waits for the log, other fibers go on
end

local function run(n)
    local left = n
    local ended = fiber.channel(fibers)
    local wall, cpu = clock.monotonic(), clock.proc()
    for _ = 1, fibers do
        fiber.create(function()
            while left > 0 do
                left = left - 1
                local from = math.random(0, accounts - 1)
                transfer(from, (from + math.random(1, accounts - 1)) % accounts)
            end
            ended:put(true)
        end)
    end
    for _ = 1, fibers do ended:get() end
    return clock.monotonic() - wall, clock.proc() - cpu
end

io.write('ready ', _TARANTOOL, '\n')
io.flush()
for line in io.lines() do
    local n = tonumber(line)
    local wall, cpu = run(n)
    local sum = 0
    for _, row in space:pairs() do sum = sum + row[2] end
    if sum ~= 0 then os.exit(1) end -- a transfer makes no money
    io.write(string.format('%d %.9f %.9f\n', n, wall, cpu))
    io.flush()
end
os.exit(0)
