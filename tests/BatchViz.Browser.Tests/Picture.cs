using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

/// <summary>Looks at the pixels of an element, as the eye would: the screenshot is decoded by the browser itself.</summary>
public static class Picture
{
    /// <summary>
    /// Share of pixels that differ from the corner's, number of grey levels, and how many pixels are close to each colour.
    /// </summary>
    public sealed class Figures
    {
        public double Drawn { get; set; }

        public int Levels { get; set; }

        public int[] Near { get; set; } = [];
    }

    public static async Task<Figures> Of(IPage page, ILocator element, params string[] colours)
    {
        byte[] png = await element.ScreenshotAsync();
        return await page.EvaluateAsync<Figures>(
            """
            async ([png, colours]) => {
              const image = new Image();
              image.src = 'data:image/png;base64,' + png;
              await image.decode();
              const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d', { willReadFrequently: true });
              const rgb = colours.map(colour => { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; });
              context.drawImage(image, 0, 0);
              const { data } = context.getImageData(0, 0, image.width, image.height);
              const levels = new Set(), near = colours.map(() => 0), pixels = data.length / 4;
              let drawn = 0;
              for (let i = 0; i < data.length; i += 4) {
                if (Math.abs(data[i] - data[0]) + Math.abs(data[i + 1] - data[1]) + Math.abs(data[i + 2] - data[2]) > 12) drawn++;
                levels.add((data[i] + data[i + 1] + data[i + 2]) / 3 | 0);
                rgb.forEach((c, k) => { if (Math.hypot(data[i] - c[0], data[i + 1] - c[1], data[i + 2] - c[2]) < 40) near[k]++; });
              }
              return { drawn: drawn / pixels, levels: levels.size, near };
            }
            """,
            new object[] { Convert.ToBase64String(png), colours }
        );
    }

    /// <summary>The largest difference of two pictures of the same size in any channel of any pixel, of 255.</summary>
    public static Task<int> Difference(IPage page, byte[] a, byte[] b) =>
        page.EvaluateAsync<int>(
            """
            async pngs => {
              const [a, b] = await Promise.all(pngs.map(async png => {
                const image = new Image();
                image.src = 'data:image/png;base64,' + png;
                await image.decode();
                const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
                context.drawImage(image, 0, 0);
                return context.getImageData(0, 0, image.width, image.height);
              }));
              if (a.width !== b.width || a.height !== b.height) return 255;
              let most = 0;
              for (let i = 0; i < a.data.length; i++) most = Math.max(most, Math.abs(a.data[i] - b.data[i]));
              return most;
            }
            """,
            new[] { Convert.ToBase64String(a), Convert.ToBase64String(b) }
        );
}
