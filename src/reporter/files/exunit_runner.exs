# Runs `mix test` of ExUnit for testplan: lists the tests for TESTPLAN_LISTING and runs none, or runs those of
# TESTPLAN_SELECTION and writes an event stream. Arguments are those of `mix test`.

defmodule TestplanEvents do
  @moduledoc false
  @most_text 60_000
  @most_message 4_000

  # The folder of the start: the tests of an umbrella run in folders of their own.
  def setup do
    names = ["TESTPLAN_EVENTS", "TESTPLAN_SELECTION", "TESTPLAN_LISTING"]
    for name <- names, do: :persistent_term.put({:testplan, name}, System.get_env(name))
    :persistent_term.put({:testplan, :folder}, File.cwd!())
    # Tests that start a mix of their own must not write here.
    Enum.each(names, &System.delete_env/1)
  end

  def setting(name), do: :persistent_term.get({:testplan, name}, nil)

  def write(kind, fields) do
    line = json([{"t", kind}, {"pid", String.to_integer(System.pid())} | fields])
    # Newlines on both sides: what another process broke off must not spoil this line.
    if file = setting("TESTPLAN_EVENTS"), do: File.write!(file, ["\n", line, "\n"], [:append])
  end

  def relative(path), do: Path.relative_to(path, setting(:folder))

  def message(text), do: text |> clean() |> String.trim() |> String.slice(0, @most_message)
  def text(text), do: text |> clean() |> String.slice(0, @most_text)

  def clean(text) do
    text = if String.valid?(text), do: text, else: inspect(text)
    String.replace(text, ~r/\e\[[0-9;]*[A-Za-z]/, "")
  end

  def json(fields) when is_list(fields) do
    ["{", fields |> Enum.map(fn {key, value} -> [quoted(key), ":", value(value)] end) |> Enum.intersperse(","), "}"]
  end

  def value(number) when is_number(number), do: to_string(number)
  def value(list) when is_list(list), do: ["[", list |> Enum.map(&quoted/1) |> Enum.intersperse(","), "]"]
  def value(text), do: quoted(text)

  def quoted(text) do
    escaped =
      for <<c::utf8 <- clean(text)>>, into: "" do
        cond do
          c in [?", ?\\] -> <<?\\, c>>
          c == ?\n -> "\\n"
          c == ?\t -> "\\t"
          c < 32 or c == 127 -> ""
          true -> <<c::utf8>>
        end
      end

    [?", escaped, ?"]
  end
end

defmodule TestplanFormatter do
  @moduledoc false
  use GenServer
  alias TestplanEvents, as: Events

  def init(opts) do
    unless Events.setting("TESTPLAN_LISTING") do
      Events.write("run_start", [{"v", 1}, {"tool", "ExUnit #{System.version()}"}])
    end

    {:ok, %{include: opts[:include] || [], exclude: (opts[:exclude] || []) -- [:test], tests: [], failed: 0}}
  end

  def handle_cast({:test_started, test}, state) do
    # Excluded tests have a start as well.
    if chosen?(test), do: Events.write("test_start", place(test))
    {:noreply, state}
  end

  def handle_cast({:test_finished, %{state: {:excluded, _}} = test}, state) do
    {:noreply, if(listed?(test, state), do: %{state | tests: [test | state.tests]}, else: state)}
  end

  def handle_cast({:test_finished, test}, state) do
    if Events.setting("TESTPLAN_LISTING") do
      {:noreply, %{state | tests: [test | state.tests]}}
    else
      Events.write("test_end", place(test) ++ [{"ms", test.time / 1000} | result(test, state.failed + 1)])
      {:noreply, %{state | failed: state.failed + if(match?({:failed, _}, test.state), do: 1, else: 0)}}
    end
  end

  def handle_cast({:suite_finished, _}, state) do
    if listing = Events.setting("TESTPLAN_LISTING") do
      lines = for test <- Enum.reverse(state.tests), do: [file(test), "\t", Enum.join(titles(test), " > "), "\n"]
      File.write!(listing, lines)
    else
      Events.write("run_end", [])
    end

    {:noreply, state}
  end

  def handle_cast(_, state), do: {:noreply, state}

  # What `mix test` would leave out by the project's own settings is not listed.
  defp listed?(test, state) do
    match?({:skipped, _}, eval(test, state)) or eval(test, state) == :ok
  end

  defp eval(test, state), do: ExUnit.Filters.eval(state.include, state.exclude, test.tags, [])

  defp chosen?(test) do
    chosen = :persistent_term.get({:testplan, :chosen}, nil)
    chosen != nil and MapSet.member?(chosen, to_string(test.name))
  end

  defp place(test) do
    id = "#{inspect(test.module)} #{test.name}"
    [{"id", id}, {"file", file(test)}, {"titles", titles(test)}, {"line", test.tags[:line] || 0}]
  end

  defp file(test), do: Events.relative(test.tags[:file] || "")
  defp titles(test), do: [inspect(test.module), String.replace(to_string(test.name), ~r/[\r\n]+/, " ")]

  defp result(%{state: nil}, _), do: [{"status", "passed"}]
  defp result(%{state: {:skipped, why}}, _), do: [{"status", "skipped"}, {"message", Events.message(to_string(why))}]

  defp result(%{state: {:invalid, module}}, _) do
    words = with %{state: {:failed, [failure | _]}} <- module, do: ": " <> reason(failure), else: (_ -> "")
    [{"status", "error"}, {"message", Events.message("setup_all of its module failed" <> words)}]
  end

  defp result(%{state: {:failed, failures}} = test, number) do
    text = ExUnit.Formatter.format_test_failure(test, failures, number, 80, fn _, text -> text end)
    [{"status", "failed"}, {"message", Events.message(reason(hd(failures)))}, {"text", Events.text(text)}]
  end

  defp reason({_, %{__exception__: true} = error, _}), do: Exception.message(error)
  defp reason({kind, error, _}), do: Exception.format_banner(kind, error, [])
end

TestplanEvents.setup()

added =
  if TestplanEvents.setting("TESTPLAN_LISTING") do
    ["--exclude", "test"]
  else
    lines = TestplanEvents.setting("TESTPLAN_SELECTION") |> File.read!() |> String.split("\n", trim: true)
    pairs = Enum.map(lines, fn line -> line |> String.split("\t", parts: 2) |> List.to_tuple() end)
    names = for {_, test} <- pairs, [_, name] <- [String.split(test, " > ", parts: 2)], uniq: true, do: name
    :persistent_term.put({:testplan, :chosen}, MapSet.new(names))
    files = for {file, _} <- pairs, uniq: true, do: file
    Enum.flat_map(names, &["--only", "test:" <> &1]) ++ files
  end

Mix.start()
formatters = ["--formatter", "TestplanFormatter", "--formatter", "ExUnit.CLIFormatter"]
Mix.CLI.main(["test" | formatters] ++ System.argv() ++ added)
