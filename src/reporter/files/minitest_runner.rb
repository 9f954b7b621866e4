# frozen_string_literal: true

# Lists the tests of Minitest 5 for TESTPLAN_LISTING, or runs those of TESTPLAN_SELECTION and writes an event stream.
# Arguments: options of `ruby` for the load path (-I FOLDER, -r FILE), for the listing also files and folders.
require_relative "testplan_events"

begin
  require "minitest"
rescue LoadError => e
  abort "#{e.message}: `program` names the Ruby in which Minitest is installed, such as `[bundle, exec, ruby]`"
end

module TestplanMinitest
  # The file that was being loaded when a class was made, and the files with their errors.
  @made_in = {}
  @files = {}
  @broken = {}

  class << self
    attr_reader :made_in, :files, :broken
    # The selected methods by class; nil for the listing.
    attr_accessor :chosen

    def file_of(klass, method)
      its = klass.instance_method(method)
      own = its.source_location && TestplanEvents.file(its.source_location[0])
      return own if its.owner == klass && files.key?(own)

      made_in[klass] || own || ""
    end

    def name_of(klass, method)
      TestplanEvents.clean("#{klass.name || klass}##{method}").gsub(/[\r\n]+/, " ")
    end

    def line_of(klass, method)
      place = klass.instance_method(method).source_location
      { file: file_of(klass, method), titles: [name_of(klass, method)], line: place && place[1] }
    end

    # The classes and methods of all tests, in the order of the files.
    def tests
      Minitest.seed = 1
      found = Minitest::Runnable.runnables.flat_map do |klass|
        klass.runnable_methods.map { |method| [klass, method.to_s] }
      rescue NotImplementedError
        []
      end
      found.reject! { |klass, method| broken.key?(file_of(klass, method)) }
      places = files.keys
      found.sort_by { |klass, method| [places.index(file_of(klass, method)) || -1, name_of(klass, method)] }
    end

    def load_files(paths)
      paths.each { |path| files[TestplanEvents.file(path)] = true }
      paths.each do |path|
        known = Minitest::Runnable.runnables.dup
        begin
          require File.expand_path(path)
        rescue StandardError, ScriptError => e
          broken[TestplanEvents.file(path)] = e
        end
        (Minitest::Runnable.runnables - known).each { |klass| made_in[klass] = TestplanEvents.file(path) }
      end
    end

    def list(paths)
      load_files(test_files(paths))
      named = tests.map { |klass, method| [file_of(klass, method), name_of(klass, method)] }
      failed = broken.map { |file, error| "#{file}: #{error.class}: #{error.message.lines.first.to_s.strip}" }
      TestplanEvents.write_listing(named, failed)
      true
    end

    # As the tasks of Rails and of many gems find them.
    def test_files(paths)
      paths = ["test"] if paths.empty?
      paths.flat_map do |path|
        next [path] unless File.directory?(path)

        Dir.glob(["**/*_test.rb", "**/test_*.rb"], base: path).uniq.sort.map { |it| File.join(path, it) }
           .reject { |it| File.basename(it) == "test_helper.rb" }
      end
    end

    def run(options)
      wanted = TestplanEvents.selection || {}
      load_files(wanted.keys.map { |it| it.split("\t", 2).first }.uniq.select { |it| File.file?(it) })
      picked = tests.select { |klass, method| wanted.key?("#{file_of(klass, method)}\t#{name_of(klass, method)}") }
      lines = {}
      picked.each_with_index { |it, index| lines[it] = line_of(*it).merge(id: (index + 1).to_s) }
      self.chosen = lines
      Minitest::Runnable.runnables.each { |klass| klass.singleton_class.prepend(Selection) }
      ReporterPlugin.lines = lines
      Minitest.singleton_class.prepend(ReporterPlugin)
      passed = Minitest.run(options)
      fail_broken(wanted)
      Minitest.class_variable_get(:@@after_run).reverse_each(&:call)
      TestplanEvents.write("run_end")
      passed && broken.empty?
    end

    # The tests of a file that cannot be loaded fail; those of a file that is gone are not there.
    def fail_broken(wanted)
      wanted.keys.each_with_index do |key, index|
        file, name = key.split("\t", 2)
        next unless broken.key?(file)

        words = TestplanEvents.failure(broken[file])
        TestplanEvents.write("test_end", { id: "file #{index}", file: file, titles: [name], status: "error" }.merge(words))
      end
    end
  end

  # Leaves the selected methods of each class.
  module Selection
    def runnable_methods
      super.select { |method| TestplanMinitest.chosen.key?([self, method.to_s]) }
    end
  end

  # Adds the reporter after all plugins, which may replace those that there are.
  module ReporterPlugin
    class << self
      attr_accessor :lines
    end

    def init_plugins(options)
      super
      reporter << Reporter.new(ReporterPlugin.lines)
    end
  end

  # Sees each test begin and end.
  class Reporter < Minitest::AbstractReporter
    def initialize(lines)
      super()
      @lines = lines
    end

    def start
      TestplanEvents.write("run_start", v: 1, tool: "Minitest #{Minitest::VERSION}")
    end

    def prerecord(klass, name)
      Thread.current[:testplan_running] = klass
      line = @lines[[klass, name]]
      TestplanEvents.write("test_start", line) if line
    end

    def record(result)
      line = line_of(result)
      TestplanEvents.write("test_end", line.merge(ms: (result.time * 1000).round(3)).merge(words(result))) if line
    end

    private

    # A result has the name of its class alone, which another class may have as well.
    def line_of(result)
      klass_name = result.respond_to?(:klass) ? result.klass : result.class.name
      running = Thread.current[:testplan_running]
      return @lines[[running, result.name]] if running && running.name == klass_name

      same = @lines.select { |(klass, name), _| klass.name == klass_name && name == result.name }.values
      same.first if same.size == 1
    end

    def words(result)
      return { status: "passed" } if result.passed?
      if result.skipped?
        return { status: "skipped", message: TestplanEvents.cut(result.failure.message, TestplanEvents::MOST_MESSAGE) }
      end

      failures = result.failures.reject { |it| it.is_a?(Minitest::Skip) }
      text = failures.map { |it| "#{it.message}\n#{it.location}" }.join("\n\n")
      { status: result.error? ? "error" : "failed",
        message: TestplanEvents.cut(failures.first.message, TestplanEvents::MOST_MESSAGE),
        text: TestplanEvents.cut(text, TestplanEvents::MOST_TEXT) }
    end
  end

  # `-I FOLDER` and `-r FILE` are those of ruby; other options are those of Minitest.
  def self.main(arguments)
    %w[lib test].each { |folder| $LOAD_PATH.unshift(File.expand_path(folder)) if File.directory?(folder) }
    paths, options, required = [], [], []
    until arguments.empty?
      argument = arguments.shift
      case argument
      when /\A-I(.*)/m then $LOAD_PATH.unshift(File.expand_path($1.empty? ? arguments.shift : $1))
      when /\A-r(.*)/m then required << ($1.empty? ? arguments.shift : $1)
      when /\A-/ then options << argument
      else paths << argument
      end
    end
    # Test files ask Minitest to run at the exit, which would run everything a second time.
    Minitest.class_variable_set(:@@installed_at_exit, true)
    required.each { |file| require file }
    TestplanEvents.listing ? list(paths) : run(options)
  end
end

exit(TestplanMinitest.main(ARGV.dup) ? 0 : 1)
