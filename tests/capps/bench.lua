-- What Lua's interpreter does most: calls, strings, tables, closures, errors, collection.
-- The output must not depend on addresses, on time, or on the order of a table's keys.

local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print("fib", fib(24), 7 // 2, -7 // 2, -7 % 3, 7.5 // 2, 1 << 62, math.maxinteger + 1)

-- numbers as text
local sum = 0.0
for i = 1, 20000 do sum = sum + math.sqrt(i) / (i % 7 + 1) end
print(string.format("%.6f %g %a %5.1f|%-8s|%08d|%q", sum, 1e300, 0.1, 2.25, "ab", 42, "a\nb"))
print(tonumber("0x1p-3"), tonumber("  12e2 "), tonumber("12z"), 2^53, 1/0, -1/0, 10 // 0.0)
print(string.format("%.9g %.9g %.9g", math.sin(1), math.exp(1.5), math.log(10, 2)))

-- strings
local words = {}
for w in ("the quick brown fox jumps over the lazy dog "):rep(50):gmatch("%a+") do
    words[#words + 1] = w:upper():reverse()
end
local text = table.concat(words, ",")
print(#words, #text, text:find("XOF", 100, true), (text:gsub("[AEIOU]", { A = "4", E = "3" })):sub(1, 60))
print(("x"):rep(3, "-"), ("%d+"):len(), ("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print(string.pack("<i4z", -2, "abc"):byte(1, -1))
print(utf8.char(228, 8364, 128512), utf8.len("äö€"))

-- sorting numbers of a generator of our own, and records with an order given
local seed, list = 12345, {}
local function random() seed = (seed * 1103515245 + 12345) % 2147483648; return seed end
for i = 1, 5000 do list[i] = random() end
table.sort(list)
for i = 2, #list do assert(list[i - 1] <= list[i]) end
print("sorted", list[1], list[2500], list[5000])
local records = {}
for i = 1, 2000 do records[i] = { key = random() % 100, place = i } end
table.sort(records, function(a, b)
    if a.key ~= b.key then return a.key > b.key end
    return a.place < b.place
end)
local hash = 0
for _, r in ipairs(records) do hash = (hash * 31 + r.key * 2001 + r.place) % 1000000007 end
print("records", hash)

-- closures, metatables, coroutines
local function counter(step)
    local n = 0
    return function() n = n + step; return n end
end
local counters = {}
for i = 1, 100 do counters[i] = counter(i) end
local total = 0
for _ = 1, 100 do for _, c in ipairs(counters) do total = total + c() end end
print("closures", total)
local vector = {}
vector.__index = vector
vector.__add = function(a, b) return setmetatable({ x = a.x + b.x }, vector) end
vector.__tostring = function(v) return "<" .. v.x .. ">" end
local v = setmetatable({ x = 0 }, vector)
for i = 1, 1000 do v = v + setmetatable({ x = i }, vector) end
print("vector", tostring(v))
local function permute(a, n)
    if n == 0 then coroutine.yield(table.concat(a)) end
    for i = 1, n do
        a[i], a[n] = a[n], a[i]
        permute(a, n - 1)
        a[i], a[n] = a[n], a[i]
    end
end
local count, last = 0, nil
for p in coroutine.wrap(function() permute({ "a", "b", "c", "d", "e", "f" }, 6) end) do
    count, last = count + 1, p
end
print("permutations", count, last)

-- errors go through setjmp and longjmp
print(pcall(error, { code = 1 }) == false, pcall(function() local t = nil; return t.x end))
print(select("#", pcall(string.rep)), (select(2, pcall(string.rep))))
print(xpcall(function() error("inner", 0) end, function(m) return m .. " handled" end))

-- collection: what nothing refers to goes, finalizers run, memory stays bounded
local weak, finalized = setmetatable({}, { __mode = "v" }), 0
local kept = {}
for i = 1, 1000 do
    local t = setmetatable({ i }, { __gc = function() finalized = finalized + 1 end })
    weak[i] = t
    if i % 10 == 0 then kept[#kept + 1] = t end
end
collectgarbage()
local alive = 0
for i = 1, 1000 do if weak[i] then alive = alive + 1 end end
print("collected", alive, finalized, #kept)
local most = 0
for i = 1, 30000 do
    local garbage = { i, tostring(i) .. "abc", function() return i end }
    if garbage[1] % 1000 == 0 then most = math.max(most, collectgarbage("count")) end
end
print("bounded", most < 20000)

-- files, the environment, arguments, a chunk at run time
local lines, bytes = 0, 0
for line in io.lines(arg[1]) do lines, bytes = lines + 1, bytes + #line end
print("file", lines, bytes, io.open("/no/such/file"))
local name = os.tmpname()
local f = assert(io.open(name, "w+"))
f:write("one\n", 2, "\n", 3.5, "\n")
f:seek("set", 4)
print("written", f:read("n", "n"))
f:close()
print(os.remove(name), os.getenv("GREETING"), #arg, arg[2])
print(assert(load("return ... + 1"))(41), load("x ="), os.date("!%Y-%m-%d %H:%M:%S", 1e9))
-- last: the memory of so many calls comes back in pieces, which makes newlib's free slow
local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
local ok, message = pcall(deep, 1e7)
print(ok, message:match("stack overflow"))
io.stderr:write("to stderr\n")
os.exit(17)
