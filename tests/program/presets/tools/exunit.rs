//! `ExUnit`.

use std::fmt::Write as _;

use crate::{
    presets::tool::{Does, Tool, none, starts},
    support::Stage,
};

pub(crate) static EXUNIT: Tool = Tool {
    preset: "exunit",
    mode: "batch",
    suite: "test/[t] (x)_test.exs",
    testcase: |name| format!("A.BTest > test {name}"),
    // Names are atoms, which have 255 characters at most.
    can_have: |name| name.len() < 200,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("elixir").then(|| ["env", "elixir"].map(str::to_owned).to_vec()),
    run_all: &["-S", "mix", "test"],
    write,
};

const PROJECT: &str = r#"defmodule P.MixProject do
  use Mix.Project
  def project, do: [app: :p, version: "0.1.0"]
end
"#;

const ACT: &str = r#"defmodule A.BTest do
  use ExUnit.Case
  @moduletag timeout: :infinity

  def act(name, does) do
    File.write!("ran", "A.BTest > test " <> name <> "\n", [:append])
    case does do
      "exits" -> System.halt(0)
      "fails" -> flunk("boom")
      "waits" -> wait()
      _ -> :ok
    end
  end

  defp wait do
    if File.exists?("mix.exs") and not File.exists?("go") do
      Process.sleep(20)
      wait()
    end
  end

"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let mut text = ACT.to_owned();
    for (name, does) in tests {
        let name = format!("{name:?}").replace('#', "\\#");
        writeln!(
            text,
            "  test {name} do act({name}, \"{}\") end",
            does.word()
        )
        .unwrap();
    }
    text += "end\n";
    stage.write("mix.exs", PROJECT);
    stage.write("test/test_helper.exs", "ExUnit.start(seed: 0)\n");
    stage.write(EXUNIT.suite, text);
}
