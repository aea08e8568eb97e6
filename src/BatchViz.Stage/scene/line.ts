/** A path's line: three's fat line, whose colour fades towards its beginning into that of the surface. */
import { Color } from "three";
import { LineMaterial, type LineMaterialParameters } from "three/examples/jsm/lines/LineMaterial.js";
import { mix, SURFACE, type Theme } from "../style.ts";

/** How much of its own colour the oldest part keeps: faint, and still readable. On a light ground less would be lost. */
const OLDEST: Readonly<Record<Theme, number>> = { dark: 0.5, light: 0.66 };

export class FadingLine extends LineMaterial {
  private readonly fade = { ground: { value: new Color() }, whole: { value: 1 }, oldest: { value: 1 } };
  private theme: Theme = "dark";

  constructor(parameters: LineMaterialParameters) {
    super(parameters);
    Object.assign(this.uniforms, this.fade);
    this.vertexShader = `attribute float alongStart;\nattribute float alongEnd;\nvarying float vAlong;\n${this.vertexShader.replace("void main() {", "void main() {\nvAlong = position.y < 0.5 ? alongStart : alongEnd;")}`;
    this.fragmentShader = `varying float vAlong;\nuniform vec3 ground;\nuniform float whole;\nuniform float oldest;\n${this.fragmentShader.replace(
      "vec4 diffuseColor = vec4( diffuse, alpha );",
      "vec4 diffuseColor = vec4( mix( ground, diffuse, oldest + ( 1.0 - oldest ) * min( 1.0, vAlong / whole ) ), alpha );",
    )}`;
  }

  /** Length of the line as it is drawn now. */
  set whole(length: number) {
    this.fade.whole.value = Math.max(1e-6, length);
  }

  /** It fades into a middle tone of the surface. */
  setTheme(theme: Theme): void {
    this.theme = theme;
    this.fade.ground.value.set(mix(SURFACE[theme][0], SURFACE[theme][1], 0.5));
  }

  set fades(on: boolean) {
    this.fade.oldest.value = on ? OLDEST[this.theme] : 1;
  }
}
