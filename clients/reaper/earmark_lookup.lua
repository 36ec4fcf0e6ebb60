-- @description Earmark: write the tags of the selected items' files into notes or take names
-- @version 1.0
-- @about
--   Looks up the source files of the selected items in an Earmark server and writes their tags where
--   you choose. Needs curl, which Windows 10, macOS and most Linux systems have. Nothing is sent but
--   the paths of the files. See docs/clients.md of Earmark.

local SECTION = "earmark"
local TITLE = "Earmark"
local MARK = "Earmark: "
local PATHS_AT_ONCE = 500
local TIMEOUT_S = 30

-- JSON ------------------------------------------------------------------------------------------

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function quote(text)
  local function escaped(character)
    return string.format("\\u%04x", character:byte())
  end
  return '"' .. text:gsub('[%c"\\]', escaped) .. '"'
end

local read_value

local function fail(text, at, what)
  error("The answer is not JSON: " .. what .. " at " .. at .. " of " .. #text, 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

-- The number of an escape \uXXXX at a place, with the second half of a pair; and where it ends.
local function read_code(text, at)
  local code = tonumber(text:match("^\\u(%x%x%x%x)", at) or fail(text, at, "a bad escape"), 16)
  at = at + 6
  if code >= 0xD800 and code < 0xDC00 then
    local low = tonumber(text:match("^\\u(%x%x%x%x)", at) or "0", 16)
    if low < 0xDC00 or low > 0xDFFF then
      return 0xFFFD, at
    end
    return 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00), at + 6
  end
  return code, at
end

local function read_string(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at) or fail(text, at, "an open string")
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local kind = text:sub(stop + 1, stop + 1)
    if kind == "u" then
      local code
      code, at = read_code(text, stop)
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = ESCAPES[kind] or fail(text, stop, "a bad escape")
      at = stop + 2
    end
  end
end

local function read_list(text, at)
  local list = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then
    return list, at + 1
  end
  while true do
    list[#list + 1], at = read_value(text, at)
    at = skip(text, at)
    local sign = text:sub(at, at)
    if sign == "]" then
      return list, at + 1
    elseif sign ~= "," then
      fail(text, at, "a bad list")
    end
    at = at + 1
  end
end

local function read_object(text, at)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then
    return object, at + 1
  end
  while true do
    local name
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then
      fail(text, at, "a bad name")
    end
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then
      fail(text, at, "a bad object")
    end
    object[name], at = read_value(text, at + 1)
    at = skip(text, at)
    local sign = text:sub(at, at)
    if sign == "}" then
      return object, at + 1
    elseif sign ~= "," then
      fail(text, at, "a bad object")
    end
    at = at + 1
  end
end

-- Lists keep their places: null is false here, which nobody asks for.
local WORDS = { ["true"] = true, ["false"] = false, ["null"] = false }

function read_value(text, at)
  at = skip(text, at)
  local sign = text:sub(at, at)
  if sign == "{" then
    return read_object(text, at)
  elseif sign == "[" then
    return read_list(text, at)
  elseif sign == '"' then
    return read_string(text, at)
  end
  local word = text:match("^%a+", at)
  if word and WORDS[word] ~= nil then
    return WORDS[word], at + #word
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  return tonumber(number or fail(text, at, "no value")), at + #number
end

local function from_json(text)
  local value, at = read_value(text, 1)
  if skip(text, at) <= #text then
    fail(text, at, "more than one value")
  end
  return value
end

-- Settings --------------------------------------------------------------------------------------

local NAMES = { "url", "token", "here", "there", "target" }
local CAPTIONS = "Server,Token (scope read),Sounds are here at,and there at,Write to (notes/name/both),extrawidth=300"
local DEFAULTS = { url = "http://localhost:8000", target = "notes" }

local function ask_settings()
  local given = {}
  for number, name in ipairs(NAMES) do
    local kept = reaper.GetExtState(SECTION, name)
    given[number] = kept ~= "" and kept or DEFAULTS[name] or ""
  end
  -- Commas stand in paths: another separator is told in the captions.
  local captions = CAPTIONS .. ",separator=\n"
  local ok, answers = reaper.GetUserInputs(TITLE, #NAMES, captions, table.concat(given, "\n"))
  if not ok then
    return nil
  end
  local settings, number = {}, 0
  for answer in (answers .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if NAMES[number] then
      settings[NAMES[number]] = answer
      reaper.SetExtState(SECTION, NAMES[number], answer, true)
    end
  end
  return settings
end

-- Where the server has a file that is somewhere else here.
local function path_there(path, settings)
  local here = settings.here
  if here == "" or path:sub(1, #here) ~= here then
    return path
  end
  return settings.there .. path:sub(#here + 1):gsub("\\", "/")
end

-- The server ------------------------------------------------------------------------------------

local function write_file(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function curl_quote(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("[\r\n]", "") .. '"'
end

-- The token stands in a file for curl and not in a command line, which others can read.
local function post(settings, path, body)
  local config, content = os.tmpname(), os.tmpname()
  local lines = {
    "silent",
    "show-error",
    "max-time = " .. TIMEOUT_S,
    "url = " .. curl_quote(settings.url:gsub("/+$", "") .. "/api/v1/" .. path),
    "header = " .. curl_quote("Authorization: Bearer " .. settings.token),
    'header = "Content-Type: application/json"',
    'header = "Accept: application/json"',
    "data-binary = " .. curl_quote("@" .. content),
    'write-out = "\\n%{http_code}"',
  }
  write_file(content, body)
  write_file(config, table.concat(lines, "\n") .. "\n")
  local output = reaper.ExecProcess('curl -q --config "' .. config .. '"', (TIMEOUT_S + 5) * 1000)
  os.remove(config)
  os.remove(content)
  local code, text = (output or ""):match("^(%-?%d+)\n(.*)$")
  if not code then
    error("curl could not be started. Is it installed?", 0)
  elseif code ~= "0" then
    error("The server cannot be reached: " .. text, 0)
  end
  local answer, status = text:match("^(.*)\n(%d+)%s*$")
  if status ~= "200" then
    local readable, value = pcall(from_json, answer or "")
    local told = readable and type(value) == "table" and value.message
    error(told or ("The server answered with status " .. (status or "?") .. "."), 0)
  end
  return from_json(answer)
end

-- From path to the first file that Earmark knows by it.
local function look_up(settings, paths)
  local found = {}
  for start = 1, #paths, PATHS_AT_ONCE do
    local quoted = {}
    for number = start, math.min(start + PATHS_AT_ONCE - 1, #paths) do
      quoted[#quoted + 1] = quote(paths[number])
    end
    local body = '{"paths": [' .. table.concat(quoted, ", ") .. "]}"
    for _, one in ipairs(post(settings, "lookup", body).results) do
      found[one.value] = one.files[1]
    end
  end
  return found
end

-- Items -----------------------------------------------------------------------------------------

local function source_path(take)
  local source = reaper.GetMediaItemTake_Source(take)
  while source do
    local path = reaper.GetMediaSourceFileName(source, "")
    if path and path ~= "" then
      return path
    end
    source = reaper.GetMediaSourceParent(source) -- sections and reversed sounds have none
  end
  return nil
end

local function selected_items(settings)
  local items, paths, seen = {}, {}, {}
  for number = 0, reaper.CountSelectedMediaItems(0) - 1 do
    local item = reaper.GetSelectedMediaItem(0, number)
    local take = reaper.GetActiveTake(item)
    local path = take and source_path(take)
    if path then
      local there = path_there(path, settings)
      items[#items + 1] = { item = item, take = take, path = path, there = there }
      if not seen[there] then
        seen[there] = true
        paths[#paths + 1] = there
      end
    end
  end
  return items, paths
end

local function words_of(file)
  local words = {}
  for _, tag in ipairs(file.tags) do
    words[#words + 1] = tag.name
  end
  return table.concat(words, ", ")
end

-- Notes keep what a person has written; only Earmark's own line is put in or changed.
local function write_notes(item, words)
  local _, old = reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "", false)
  local lines = {}
  for line in old:gsub("\r", ""):gmatch("[^\n]+") do
    if line:sub(1, #MARK) ~= MARK then
      lines[#lines + 1] = line
    end
  end
  lines[#lines + 1] = MARK .. words
  reaper.GetSetMediaItemInfo_String(item, "P_NOTES", table.concat(lines, "\n"), true)
end

-- A take that a person has named keeps its name.
local function write_name(take, words, path)
  local _, old = reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", "", false)
  local file_name = path:match("[^/\\]+$")
  if old ~= "" and old ~= file_name and old ~= file_name:gsub("%.%w+$", "") and old ~= words then
    return false
  end
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", words, true)
  return true
end

local function write_all(items, found, target)
  local written, unknown, kept = 0, 0, 0
  for _, one in ipairs(items) do
    local file = found[one.there]
    local words = file and words_of(file) or ""
    if words == "" then
      unknown = unknown + 1
    else
      if target ~= "name" then
        write_notes(one.item, words)
      end
      if target ~= "notes" and not write_name(one.take, words, one.path) then
        kept = kept + 1
      end
      written = written + 1
    end
  end
  return written, unknown, kept
end

local function run()
  if reaper.CountSelectedMediaItems(0) == 0 then
    reaper.ShowMessageBox("Select the items whose sounds shall be looked up.", TITLE, 0)
    return
  end
  local settings = ask_settings()
  if not settings then
    return
  end
  local target = settings.target
  if target ~= "notes" and target ~= "name" and target ~= "both" then
    reaper.ShowMessageBox("Write to notes, name or both, not to " .. target .. ".", TITLE, 0)
    return
  end
  local items, paths = selected_items(settings)
  local ok, found = pcall(look_up, settings, paths)
  if not ok then
    reaper.ShowMessageBox(tostring(found), TITLE, 0)
    return
  end
  reaper.Undo_BeginBlock()
  local written, unknown, kept = write_all(items, found, target)
  reaper.Undo_EndBlock("Earmark: tags of items", -1)
  reaper.UpdateArrange()
  local text = written .. " items have their tags."
  if unknown > 0 then
    text = text .. "\n" .. unknown .. " are not known to Earmark, or have no tags."
  end
  if kept > 0 then
    text = text .. "\n" .. kept .. " takes keep the name that somebody gave them."
  end
  reaper.ShowMessageBox(text, TITLE, 0)
end

run()
