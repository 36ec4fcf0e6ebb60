-- What earmark_lookup.lua uses of REAPER's functions, over plain tables.
-- Arguments: script, result file, then the five answers, then path=notes=name for each item.

local script, result = arg[1], arg[2]
local answers = { arg[3], arg[4], arg[5], arg[6], arg[7] }
local items, kept, messages, undo = {}, {}, {}, {}

for number = 8, #arg do
  local path, notes, name = arg[number]:match("^(.-)=(.-)=(.*)$")
  items[#items + 1] = { notes = notes, take = { name = name, source = { parent = { path = path } } } }
end

reaper = {
  GetExtState = function(_, name) return kept[name] or "" end,
  SetExtState = function(_, name, value) kept[name] = value end,
  GetUserInputs = function(_, count, captions)
    assert(count == #answers)
    local separator = captions:match("separator=(.)$")
    return true, table.concat(answers, separator)
  end,
  ShowMessageBox = function(text) messages[#messages + 1] = text; return 1 end,
  CountSelectedMediaItems = function() return #items end,
  GetSelectedMediaItem = function(_, number) return items[number + 1] end,
  GetActiveTake = function(item) return item.take end,
  GetMediaItemTake_Source = function(take) return take.source end,
  GetMediaSourceParent = function(source) return source.parent end,
  GetMediaSourceFileName = function(source) return source.path or "" end,
  GetSetMediaItemInfo_String = function(item, name, text, is_set)
    assert(name == "P_NOTES")
    if is_set then item.notes = text end
    return true, item.notes
  end,
  GetSetMediaItemTakeInfo_String = function(take, name, text, is_set)
    assert(name == "P_NAME")
    if is_set then take.name = text end
    return true, take.name
  end,
  Undo_BeginBlock = function() undo[#undo + 1] = "begin" end,
  Undo_EndBlock = function(text) undo[#undo + 1] = text end,
  UpdateArrange = function() end,
  ExecProcess = function(command)
    local pipe = io.popen(command .. " 2>&1")
    local output = pipe:read("a")
    local _, _, code = pipe:close()
    return (code or 0) .. "\n" .. output
  end,
}

dofile(script)

local file = assert(io.open(result, "wb"))
for _, item in ipairs(items) do
  file:write("notes\0", item.notes, "\0name\0", item.take.name, "\0")
end
file:write("message\0", table.concat(messages, "|"), "\0undo\0", table.concat(undo, "|"), "\0")
file:close()
