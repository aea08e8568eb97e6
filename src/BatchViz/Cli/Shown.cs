using Spectre.Console;

namespace BatchViz.Cli;

/// <summary>What commands show to people: sentences, tables, and bars of long work.</summary>
internal static class Shown
{
    public static IAnsiConsole OnError() => On(Console.Error, Console.IsErrorRedirected);

    public static IAnsiConsole OnOutput() => On(Console.Out, Console.IsOutputRedirected);

    /// <summary>Colours and cursor movements are for a terminal: into a file or a pipe go plain lines, whatever $TERM says.</summary>
    private static IAnsiConsole On(TextWriter writer, bool redirected) =>
        AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(writer),
                Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
                ColorSystem = redirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
                Interactive = redirected ? InteractionSupport.No : InteractionSupport.Detect,
            }
        );

    public static Task<T> WithProgress<T>(IAnsiConsole console, string what, Func<IProgress<double>, T> work) =>
        console
            .Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn()
            )
            .StartAsync(context =>
            {
                var bar = context.AddTask(Markup.Escape(what), maxValue: 1);
                return Task.Run(() => work(new Bar(bar)));
            });

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
