# frozen_string_literal: true

# Writes the lines of an event stream for the files beside this one. docs/event-stream.md describes the format.
require "json"

module TestplanEvents
  MOST_TEXT = 64 * 1024
  MOST_MESSAGE = 4 * 1024
  COLOURS = /\e(?:\[[0-?]*[ -\/]*[@-~]|[@-Z\\-_])/.freeze
  FOLDER = File.realpath(Dir.pwd)
  PROCESS = Process.pid
  LOCK = Mutex.new
  # Taken out: tests that start the tool themselves must not write here.
  @target = ENV.delete("TESTPLAN_EVENTS")
  @selection = ENV.delete("TESTPLAN_SELECTION")
  @listing = ENV.delete("TESTPLAN_LISTING")

  class << self
    attr_reader :listing

    def clean(value)
      text = value.to_s
      text = text.encode("UTF-8", invalid: :replace, undef: :replace) unless text.encoding == Encoding::BINARY
      text.dup.force_encoding("UTF-8").scrub.gsub(COLOURS, "")
    end

    # Both ends of a text that is too long.
    def cut(value, most)
      text = clean(value)
      return text if text.length <= most

      "#{text[0, most / 2]}\n[… #{text.length - most} characters left out …]\n#{text[-(most / 2)..]}"
    end

    # A path relative to the folder of the start if it is below it.
    def file(path)
      return "" if path.nil? || path.to_s.empty?

      full = File.expand_path(path.to_s, FOLDER)
      full = File.realpath(full) if File.exist?(full)
      prefix = "#{FOLDER.chomp('/')}/"
      clean(full.start_with?(prefix) ? full[prefix.length..] : full)
    end

    # Newlines on both sides: what another process broke off must not spoil this line.
    def write(kind, event = {})
      # A test may have forked a process that runs on behind it.
      return if @target.nil? || Process.pid != PROCESS

      filled = event.reject { |_, value| value.nil? || value == "" || value == false }
      line = JSON.generate({ t: kind, pid: PROCESS }.merge(filled))
      LOCK.synchronize { File.open(@target, "ab", 0o600) { |out| out.syswrite("\n#{line}\n") } }
    rescue SystemCallError => e
      @target = nil
      warn "testplan: the event stream cannot be written: #{e.message}"
    end

    def failure(error)
      {
        message: cut(error.message.to_s.strip.empty? ? error.class.name : error.message.to_s.strip, MOST_MESSAGE),
        kind: clean(error.class.name),
        text: cut([error.message, *error.backtrace].join("\n"), MOST_TEXT)
      }
    end

    # The selected tests, as `FILE<tab>NAME`; nil if nothing is selected.
    def selection
      return nil if @selection.nil?

      @selected ||= File.read(@selection, encoding: "UTF-8").split("\n").reject(&:empty?).to_h { |line| [line, true] }
    end

    # Writes the tests, pairs of suite and name, and what could not be loaded.
    def write_listing(tests, broken)
      named = tests.map { |suite, testcase| { suite: suite, testcase: testcase } }
      File.write(@listing, JSON.generate({ tests: named, broken: broken.map { |it| clean(it) } }), encoding: "UTF-8")
    end
  end
end
