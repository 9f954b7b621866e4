# frozen_string_literal: true

# Formatter for RSpec 3: lists the examples for TESTPLAN_LISTING, or leaves those of TESTPLAN_SELECTION in the groups and
# writes an event stream.
require_relative "testplan_events"
require "rspec/core"
require "rspec/core/formatters"

class TestplanFormatter
  RSpec::Core::Formatters.register self, :start, :example_group_started, :example_group_finished, :example_started,
                                   :example_passed, :example_failed, :example_pending, :close

  # Names of examples, and what failed outside of them.
  module Names
    @lines = {}
    @broken = {}

    class << self
      # The errors of files that could not be loaded.
      attr_reader :broken

      # Kept from before the run: RSpec gives an example without a description one when it has run.
      def line_of(example)
        @lines[example] ||= { id: (@lines.size + 1).to_s, file: file_of(example), titles: titles_of(example),
                              line: example.metadata[:line_number] }
      end

      def name_of(example)
        line_of(example)[:titles].join(" > ")
      end

      def file_of(example)
        # A shared example lies in another file than its group.
        file_of_group(example.example_group)
      end

      def file_of_group(group)
        TestplanEvents.file(group.parent_groups.last.metadata[:absolute_file_path])
      end

      def titles_of_group(group)
        group.parent_groups.reverse.map { |it| title(it.description) }
      end

      private

      def titles_of(example)
        own = example.metadata[:description].to_s
        own = source_of(example) if own.strip.empty?
        [*titles_of_group(example.example_group), title(own)]
      end

      # An example without a description is known by its first line, and not by its place.
      def source_of(example)
        lines = File.readlines(example.metadata[:absolute_file_path], encoding: "UTF-8")
        lines[example.metadata[:line_number] - 1].to_s.strip
      rescue SystemCallError
        "it"
      end

      def title(text)
        TestplanEvents.clean(text).gsub(/[\r\n]+/, " ")
      end
    end
  end

  # Leaves the selected examples of the files that could be loaded.
  module Selection
    def prune(examples)
      wanted = TestplanEvents.selection
      super.reject { |it| Names.broken.key?(Names.file_of(it)) }
           .select { |it| wanted.nil? || wanted.key?("#{Names.file_of(it)}\t#{Names.name_of(it)}") }
    end
  end

  # A file that cannot be loaded keeps RSpec from running the others; here it costs its own examples alone.
  module Loading
    def load_file_handling_errors(method, file)
      return super unless method == :load

      TestplanFormatter.loading = TestplanEvents.file(file)
      super
      RSpec.world.wants_to_quit = false if Names.broken.key?(TestplanFormatter.loading)
    ensure
      TestplanFormatter.loading = nil
    end
  end

  # RSpec reports errors outside of examples to formatters as text alone.
  module OutsideErrors
    def notify_non_example_exception(exception, description)
      TestplanFormatter.outside(exception, description)
      super
    end
  end

  RSpec::Core::FilterManager.prepend(Selection)
  RSpec::Core::Configuration.prepend(Loading)
  RSpec::Core::Reporter.prepend(OutsideErrors)

  class << self
    attr_accessor :loading, :groups

    def outside(exception, description)
      words = TestplanEvents.failure(exception)
      words[:message] = TestplanEvents.cut("#{description} #{words[:message]}", TestplanEvents::MOST_MESSAGE)
      if loading
        Names.broken[loading] = words
      else
        group = groups&.last
        place = group ? { file: Names.file_of_group(group), titles: Names.titles_of_group(group) } : {}
        TestplanEvents.write("error", place.merge(words))
      end
    end
  end

  def initialize(_output)
    TestplanFormatter.groups = []
  end

  def start(_notification)
    return list if TestplanEvents.listing

    TestplanEvents.write("run_start", v: 1, tool: "RSpec #{RSpec::Core::Version::STRING}")
    wanted = TestplanEvents.selection || {}
    wanted.keys.each_with_index do |key, index|
      file, name = key.split("\t", 2)
      # A file that is gone has no tests; one that cannot be loaded fails them.
      next unless Names.broken.key?(file) && File.exist?(file)

      TestplanEvents.write("test_end", { id: "file #{index}", file: file, titles: [name], status: "error" }.merge(Names.broken[file]))
    end
  end

  def example_group_started(notification)
    TestplanFormatter.groups.push(notification.group)
  end

  def example_group_finished(_notification)
    TestplanFormatter.groups.pop
  end

  def example_started(notification)
    @running = notification.example
    TestplanEvents.write("test_start", Names.line_of(@running))
  end

  def example_passed(notification)
    finish(notification.example, status: "passed")
  end

  def example_failed(notification)
    error = notification.example.execution_result.exception
    finish(notification.example, TestplanEvents.failure(error).merge(status: "failed"))
  end

  def example_pending(notification)
    reason = notification.example.execution_result.pending_message
    finish(notification.example, status: "skipped", message: TestplanEvents.cut(reason, TestplanEvents::MOST_MESSAGE))
  end

  # RSpec closes its formatters also when `exit` or a signal ends the process.
  def close(_notification)
    TestplanEvents.write("run_end") if @running.nil? && $!.nil?
  end

  private

  def list
    examples = RSpec.world.example_groups.flat_map(&:descendants).flat_map(&:filtered_examples)
    broken = Names.broken.map { |file, words| "#{file}: #{words[:message].lines.first.to_s.strip}" }
    TestplanEvents.write_listing(examples.map { |it| [Names.file_of(it), Names.name_of(it)] }, broken)
  end

  def finish(example, words)
    @running = nil
    took = example.execution_result.run_time
    TestplanEvents.write("test_end", Names.line_of(example).merge(ms: took && (took * 1000).round(3)).merge(words))
  end
end
